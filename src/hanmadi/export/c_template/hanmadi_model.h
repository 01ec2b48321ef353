/* @TITLE@
 *
 * Written by: hanmadi export --to c. Change the model, not this file.
 * Plain C99, single precision, no memory of its own beyond constants, no library but math.h.
 *
 * Constants (flash): about @CONSTANT_BYTES@ bytes. Workspace (RAM): @WORKSPACE_BYTES@ bytes, given by the caller.
 *
 * Licence of the recordings it was trained on: @LICENCE@
 * @ATTRIBUTION@
 */
#ifndef HANMADI_MODEL_H
#define HANMADI_MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HANMADI_LABELS @LABELS@
#define HANMADI_WORDS @WORDS@ /* labels that are detected: all but "unknown" and "silence" */
#define HANMADI_SAMPLE_RATE @SAMPLE_RATE@ /* Hz */
#define HANMADI_CLIP_SAMPLES @CLIP_SAMPLES@ /* that are judged at a time */
#define HANMADI_FRAME_SAMPLES @WINDOW@ /* of a frame */
#define HANMADI_FRAME_HOP @HOP@ /* samples from one frame to the next */
#define HANMADI_FRAMES @FRAMES@ /* of a clip */
#define HANMADI_MELS @MELS@
#define HANMADI_WORKSPACE_FLOATS @WORKSPACE@

/* Live: judge the newest clip every HANMADI_HOP_SAMPLES, and give the scores to hanmadi_decide(). */
#define HANMADI_HOP_SAMPLES @LIVE_HOP@
#define HANMADI_SMOOTHED @SMOOTHED@ /* windows that are averaged, @SMOOTHING_S@ s */
#define HANMADI_REST @REST@ /* windows without a detection after one, @REFRACTORY_S@ s */

extern const char *const hanmadi_labels[HANMADI_LABELS]; /* UTF-8 */
extern const float hanmadi_thresholds[HANMADI_WORDS]; /* @CALIBRATED@ */

/* Scores of a clip at HANMADI_SAMPLE_RATE, mono. They sum to 1.
 * samples: HANMADI_CLIP_SAMPLES, in [-1, 1]; workspace: HANMADI_WORKSPACE_FLOATS, what is in it does not matter;
 * scores: HANMADI_LABELS, in the order of hanmadi_labels. */
void hanmadi_scores(const float *samples, float *workspace, float *scores);
void hanmadi_scores_int16(const int16_t *samples, float *workspace, float *scores);

/* The same in its two steps, for who keeps the frames of a stream and does not want to compute them again.
 * samples: HANMADI_FRAME_SAMPLES; mels: HANMADI_MELS.
 * features: HANMADI_MELS rows of HANMADI_FRAMES, outside of the workspace or at its beginning. */
void hanmadi_frame_int16(const int16_t *samples, float *workspace, float *mels);
void hanmadi_network(const float *features, float *workspace, float *scores);

/* From scores to detections: average, threshold, rest. The same rules as hanmadi listen. */
typedef struct {
    float recent[HANMADI_SMOOTHED][HANMADI_WORDS];
    unsigned char armed[HANMADI_WORDS];
    int place, rest;
} hanmadi_decider;

void hanmadi_begin(hanmadi_decider *decider); /* before the first scores, and after sound was lost */
int hanmadi_decide(hanmadi_decider *decider, const float *scores); /* index of the label detected, or -1 */

#ifdef __cplusplus
}
#endif

#endif
