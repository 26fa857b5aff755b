// One visit to the camera at a time, decided once: frames come in, one after the other; what comes
// out is who is there, by the mean of several frames. Each frame by itself would be one more chance
// for a stranger to be taken for somebody.
import {identifyVisit, verify} from './api.js';

export const WANTED = 5; // frames that decide a visit
const MOST_WAIT = 2500;  // milliseconds from the first of them; then those that are there decide
const GAP = 2000;        // milliseconds without the person that end a visit, as of `doppel watch`

const area = ({box: [, , width, height]}) => width * height;
// The service's choice, too: the largest, of equals the first.
export const largestOf = (faces) => faces.reduce((a, b) => (area(b) > area(a) ? b : a));

// To be kept: nobody else on it, then the best by quality.
const better = (a, b) => (a.faces.length === 1) - (b.faces.length === 1) ||
    largestOf(a.faces).quality - largestOf(b.faces).quality;

// A model that does not look for faces takes every picture as one, unless it shows nothing: an empty
// room is a visit of somebody unknown then, until pictures are no longer like it.
export class LiveVisit {
  frames = [];     // of a visit that is not decided
  decided = null;  // {visit, rule, frame, number}: the service's answer, one of the frames that
                   // decided, and which visit it is
  here = false;    // whether the frame before showed the person of the visit that is decided
  number_ = 0;     // of the visit
  next_ = [];      // since that person is gone: frames of another
  gone_ = null;    // when the first frame without that person was taken

  // A frame is {photo, faces, at}: its faces as POST /v1/faces gives them, and when it was taken.
  // Throws as api.js does; then the next frame may go on.
  async see(frame) {
    if (this.decided) {
      if (!await this.ends_(frame)) return;
      this.frames = this.next_;
      ++this.number_;
      this.restart_();
    } else if (frame.faces.length) {
      this.frames = [...this.frames, frame].slice(-WANTED);
    }
    if (!this.frames.length) return;
    if (this.frames.length === WANTED || frame.at - this.frames[0].at >= MOST_WAIT) {
      await this.decide_();
    }
  }

  // The gallery has learned who that was, or has forgotten it again: it is decided anew, if it is
  // still this visit.
  forget({number}) {
    if (!this.decided || number !== this.number_) return;
    this.frames = [];
    this.restart_();
  }

  restart_() {
    this.decided = null;
    this.here = false;
    this.next_ = [];
    this.gone_ = null;
  }

  async ends_(frame) {
    const decided = this.decided;
    const here = frame.faces.length > 0 && await this.isSame_(frame);
    if (this.decided !== decided) return false;  // forgotten meanwhile
    this.here = here;
    if (here) {
      this.next_ = [];
      this.gone_ = null;
      return false;
    }
    this.gone_ ??= frame.at;
    if (frame.faces.length) this.next_ = [...this.next_, frame].slice(-WANTED);
    return frame.at - this.gone_ >= GAP;
  }

  // Nobody is looked for in the gallery, so that this is no chance to be taken for somebody. Where
  // the service cannot tell people apart yet, only a picture without a face ends a visit.
  async isSame_({photo}) {
    const {visit, frame} = this.decided;
    if (visit.same_person_distance === null) return true;
    return (await verify(frame.photo, photo)).distance < visit.same_person_distance;
  }

  async decide_() {
    const frames = this.frames;
    const {visit, rule, photos} = await identifyVisit(frames.map((frame) => frame.photo));
    this.frames = [];
    if (!visit) return;  // the service found no face on any: others may be better
    const deciding = frames.filter((_, i) => photos[i].faces?.[0]?.decides);
    this.decided = {
      visit, rule, frame: deciding.reduce((a, b) => (better(b, a) > 0 ? b : a)),
      number: this.number_,
    };
    this.here = deciding.includes(frames.at(-1));
  }
}
