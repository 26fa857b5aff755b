// Which frames of a camera are worth enrolling: of one face alone, seen well, and not as before.
// Five photos of a person cut misses from about 21 to 6 % (measured on LFW); equal ones do not.

export const WANTED = 5;

// What the service says of a face, 0 to 1. Of LFW's photos 19 in 20 have more than 0.4; blurred by
// two pixels they have 0.2 to 0.3, at a quarter of their light 0.15 to 0.25.
const LEAST_QUALITY = 0.25;
const LEAST_MOVE = 0.08;     // of the face's size: that far apart, or so much larger or smaller
const FACE_PAUSE = 300;      // milliseconds from one frame to the next at least
const WHOLE_PAUSE = 700;     // where no face is found, so that time alone makes frames differ

export const pauseOf = (aligns) => (aligns ? FACE_PAUSE : WHOLE_PAUSE);

// How far one box is from the other, and how much larger, in sizes of a face.
function differs([left, top, width, height], [otherLeft, otherTop, otherWidth, otherHeight]) {
  const size = Math.max(height, otherHeight);
  const moved = Math.hypot(left + width / 2 - otherLeft - otherWidth / 2,
                           top + height / 2 - otherTop - otherHeight / 2) / size;
  return moved >= LEAST_MOVE || Math.abs(height - otherHeight) / size >= LEAST_MOVE;
}

// What is to be done before a frame is good; nothing where it is. `faces`: {box, quality} of all on
// it; `kept`: the boxes of the frames that were kept. A model that does not align has no boxes.
export function adviceForFrame(faces, kept, aligns) {
  if (!faces.length) return aligns ? 'No face is in view.' : 'There is nothing to be seen.';
  if (faces.length > 1) return 'Several faces are in view: only one person may be.';
  if (!aligns) return '';
  const [{box, quality}] = faces;
  if (quality < LEAST_QUALITY) return 'Too dark or blurred: more light, nearer, hold still.';
  return kept.every((other) => differs(box, other)) ? '' : 'Turn your head a little, or move it.';
}
