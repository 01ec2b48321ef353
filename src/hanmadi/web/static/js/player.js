// Plays one sound at a time, and tells where it is.

let context;
let current = null;

/** Play a WAV; `ontime(seconds)` each frame, `onend()` at the end or when another sound begins. Returns a stop function. */
export async function play(wav, { ontime, onend }) {
  current?.();
  context ??= new AudioContext();
  await context.resume();
  const buffer = await context.decodeAudioData(wav.slice(0));
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(context.destination);
  const startS = context.currentTime + (context.outputLatency || 0);
  let on = true;
  const stop = () => {
    if (!on) return;
    on = false;
    source.onended = null;
    source.stop();
    current = null;
    onend?.();
  };
  const follow = () => {
    if (!on) return;
    ontime?.(Math.max(0, Math.min(buffer.duration, context.currentTime - startS)));
    requestAnimationFrame(follow);
  };
  source.onended = stop;
  current = stop;
  source.start();
  follow();
  return stop;
}
