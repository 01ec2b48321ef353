/* Which stretch of a recording holds the word, by the rule of hanmadi predict (hanmadi.audio.endpoints says why).
 *
 * Written by: hanmadi export --to c.
 * Plain C99, double precision, no memory of its own, no library but that of the language.
 *
 * For machines with memory for a whole recording: besides the samples it needs 38,400 bytes a second and 512 more,
 * so 116 kB for 3 s and 2.3 MB for a minute, at any rate that is a multiple of 4,000 Hz. A microcontroller that
 * hears a stream has no use for it: hanmadi_model.c does not call it, so leave hanmadi_speech.c out of its build.
 */
#ifndef HANMADI_SPEECH_H
#define HANMADI_SPEECH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Doubles of the workspace for a number of samples at a rate in Hz; a constant if both are. */
#define HANMADI_SPEECH_DOUBLES(count, sample_rate) ((size_t)(count) / HANMADI_SPEECH_STEP(sample_rate) / 5 * 6 + 64)
#define HANMADI_SPEECH_STEP(sample_rate) ((sample_rate) < 6000 ? 1 : ((size_t)(sample_rate) + 1999) / 4000)

/* First sample of the stretch of length samples that holds the word, as near to its middle as it can be: from 0 to
 * count - length; 0 if there are no more than length samples, which are then to stand between zeros.
 * samples: count of them, mono, at sample_rate Hz; length: 1 or more;
 * workspace: HANMADI_SPEECH_DOUBLES(count, sample_rate), what is in it does not matter. */
size_t hanmadi_speech_start(
    const int16_t *samples, size_t count, uint32_t sample_rate, size_t length, double *workspace);

#ifdef __cplusplus
}
#endif

#endif
