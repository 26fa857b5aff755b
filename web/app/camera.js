// A camera's live picture with boxes over it, and single frames of it as JPEG photos.
import {el, icon, newId} from './dom.js';

export const QUALITY = 0.92;  // of JPEG: what is saved beyond costs recognition

const REASONS = {
  NotAllowedError: 'The browser was not allowed to use the camera. Allow it beside the address, ' +
                   'then start again, or choose a photo instead.',
  NotFoundError: 'No camera was found. Connect one, then start again, or choose a photo instead.',
  NotReadableError: 'The camera is in use by another program. Close that, then start again.',
};

export function cameraProblem(error) {
  return REASONS[error?.name] ?? `The camera did not start: ${error?.message ?? 'unknown reason'}`;
}

// A model that does not look for faces takes the whole photo as one: then only this part of the
// picture is sent, in the proportions of its input, and the person is asked to fill it.
function guideOf(width, height, aspect) {
  if (!aspect) return {left: 0, top: 0, width, height};
  const tall = Math.min(0.8 * height, 0.9 * width / aspect);
  const wide = tall * aspect;
  return {left: (width - wide) / 2, top: (height - tall) / 2, width: wide, height: tall};
}

export class Camera {
  // `aspect()` is width / height of the guide, or nothing where the whole picture is looked at.
  constructor({aspect, label, idle}) {
    this.aspect_ = aspect;
    this.video_ = el('video', {muted: true, playsinline: true, 'aria-label': label});
    this.video_.muted = true;
    this.overlay_ = el('canvas', {class: 'overlay', 'aria-hidden': 'true'});
    this.idle_ = el('div', {class: 'idle'}, icon('camera'), el('p', {}, idle));
    this.screen_ = el('div', {class: 'screen'}, this.video_, this.overlay_, this.idle_);
    const id = newId('camera');
    this.choice_ = el('select', {
      id, on: {change: () => {
        this.device_ = this.choice_.value;
        this.restart_();
      }},
    });
    this.choices_ = el('div', {class: 'field compact', hidden: true},
                       el('label', {for: id}, 'Camera'), this.choice_);
    this.element = el('div', {class: 'camera'}, this.screen_, this.choices_);
    this.stream_ = null;
    this.device_ = '';
    this.faces_ = [];
    this.asked_ = 0;
    new ResizeObserver(() => this.draw_()).observe(this.screen_);
  }

  get running() {
    return this.stream_ !== null;
  }

  // Throws what getUserMedia throws; see cameraProblem().
  async start() {
    if (this.running) return;
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error('browsers allow cameras at https addresses and at localhost only.');
    }
    const asked = ++this.asked_;
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: this.device_ ? {deviceId: {exact: this.device_}}
                          : {width: {ideal: 1280}, height: {ideal: 720}, facingMode: 'user'},
    });
    // Left, or asked for again, while the browser asked the person.
    if (asked !== this.asked_) {
      stream.getTracks().forEach((track) => track.stop());
      return;
    }
    this.stream_ = stream;
    const settings = stream.getVideoTracks()[0].getSettings();
    this.mirrored_ = settings.facingMode !== 'environment';
    this.video_.classList.toggle('mirrored', this.mirrored_);
    this.video_.srcObject = stream;
    try {
      await this.video_.play();
    } catch (error) {
      if (asked !== this.asked_) return;  // stopped while it began
      this.stop();
      throw error;
    }
    if (asked !== this.asked_) return;
    const {videoWidth: width, videoHeight: height} = this.video_;
    this.screen_.style.aspectRatio = `${width} / ${height}`;
    this.screen_.classList.add('live');
    this.draw_();
    this.listDevices_(settings.deviceId);
  }

  stop() {
    ++this.asked_;
    this.stream_?.getTracks().forEach((track) => track.stop());
    this.stream_ = null;
    this.video_.srcObject = null;
    this.faces_ = [];
    this.screen_.classList.remove('live');
    this.screen_.style.aspectRatio = '';
    this.choices_.hidden = true;
    this.draw_();
  }

  // What is looked at, at most `most` pixels wide: a photo {blob, file, from}, where `from` is its
  // place in the picture. Nothing while the camera has no picture.
  async grab(most = 1280) {
    const {videoWidth: width, videoHeight: height} = this.video_;
    if (!this.running || !width) return null;
    const from = guideOf(width, height, this.aspect_());
    const scale = Math.min(1, most / from.width);
    const canvas = el('canvas', {width: Math.round(scale * from.width),
                                 height: Math.round(scale * from.height)});
    canvas.getContext('2d').drawImage(this.video_, from.left, from.top, from.width, from.height,
                                      0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => {
      canvas.toBlob(resolve, 'image/jpeg', QUALITY);
    });
    return blob && {blob, file: 'camera.jpg', from, scale};
  }

  // Draws boxes: {box, label, known}, in pixels of the grabbed photo; a label may be empty.
  show(faces, photo) {
    this.faces_ = faces.map(({box: [left, top, width, height], ...face}) => ({
      ...face,
      box: [photo.from.left + left / photo.scale, photo.from.top + top / photo.scale,
            width / photo.scale, height / photo.scale],
    }));
    this.draw_();
  }

  async restart_() {
    if (!this.running) return;
    this.stop();
    try {
      await this.start();
    } catch (error) {
      this.onproblem?.(error);
    }
  }

  async listDevices_(now) {
    const devices = (await navigator.mediaDevices.enumerateDevices())
        .filter((device) => device.kind === 'videoinput');
    this.choices_.hidden = devices.length < 2 || !this.running;
    this.choice_.replaceChildren(...devices.map((device, i) =>
        el('option', {value: device.deviceId}, device.label || `Camera ${i + 1}`)));
    this.choice_.value = now ?? '';
  }

  draw_() {
    const {clientWidth: width, clientHeight: height} = this.screen_;
    const dense = window.devicePixelRatio || 1;
    this.overlay_.width = Math.round(width * dense);
    this.overlay_.height = Math.round(height * dense);
    const {videoWidth, videoHeight} = this.video_;
    if (!this.running || !videoWidth) return;
    const pen = this.overlay_.getContext('2d');
    const scale = width / videoWidth;
    pen.scale(dense, dense);
    const place = ([left, top, wide, tall]) => {
      const x = this.mirrored_ ? videoWidth - left - wide : left;
      return [x * scale, top * scale, wide * scale, tall * scale];
    };
    if (this.aspect_()) {
      const guide = guideOf(videoWidth, videoHeight, this.aspect_());
      const [x, y, w, h] = place([guide.left, guide.top, guide.width, guide.height]);
      pen.fillStyle = 'rgb(0 0 0 / 45%)';
      pen.beginPath();
      pen.rect(0, 0, width, height);
      pen.roundRect(x, y, w, h, 12);
      pen.fill('evenodd');
      pen.strokeStyle = 'rgb(255 255 255 / 85%)';
      pen.lineWidth = 2;
      pen.setLineDash([8, 6]);
      pen.beginPath();
      pen.roundRect(x, y, w, h, 12);
      pen.stroke();
      pen.setLineDash([]);
    }
    const style = getComputedStyle(this.overlay_);
    for (const face of this.faces_) {
      const [x, y, w, h] = place(face.box);
      const colour = style.getPropertyValue(face.known ? '--box-known' : '--box-unknown');
      pen.strokeStyle = colour;
      pen.lineWidth = 3;
      pen.beginPath();
      pen.roundRect(x, y, w, h, 12);
      pen.stroke();
      if (face.label) drawLabel(pen, face.label, [x, y], colour, style, width);
    }
  }
}

// On a plate of the box's colour over the box, or inside it where the picture ends above.
function drawLabel(pen, text, [x, y], colour, style, width) {
  const height = 28;
  pen.font = `600 14px ${style.fontFamily}`;
  let words = text;
  const most = width - 24;
  while (words.length > 4 && pen.measureText(words).width > most) {
    words = `${words.slice(0, -2).trimEnd()}…`;
  }
  const wide = pen.measureText(words).width + 16;
  const left = Math.max(4, Math.min(x, width - wide - 4));
  const top = y >= height + 4 ? y - height - 4 : y + 6;
  pen.fillStyle = colour;
  pen.beginPath();
  pen.roundRect(left, top, wide, height, 6);
  pen.fill();
  pen.fillStyle = '#ffffff';
  pen.textBaseline = 'middle';
  pen.fillText(words, left + 8, top + height / 2 + 1);
}
