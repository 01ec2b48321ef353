/* Raw clips on standard input, scores on standard output: a line a clip.
 *
 *   cc -O2 -std=c99 -o hear hanmadi_model.c example.c -lm
 *   ffmpeg -i clip.wav -f s16le -ac 1 -ar @SAMPLE_RATE@ - | ./hear
 *
 * With --live the clips are windows of a stream, and the words that are detected follow their scores.
 */
#include "hanmadi_model.h"

#include <stdio.h>
#include <string.h>

static int16_t samples[HANMADI_CLIP_SAMPLES];
static float workspace[HANMADI_WORKSPACE_FLOATS];
static hanmadi_decider decider;

int main(int count, char **arguments)
{
    const int live = count > 1 && strcmp(arguments[1], "--live") == 0;
    const size_t hop = live ? HANMADI_HOP_SAMPLES : HANMADI_CLIP_SAMPLES;
    const size_t kept = HANMADI_CLIP_SAMPLES - hop;
    float scores[HANMADI_LABELS];
    size_t wanted = HANMADI_CLIP_SAMPLES;
    hanmadi_begin(&decider);
    /* 16 bits, little-endian, as this machine has to have them too */
    while (fread(samples + HANMADI_CLIP_SAMPLES - wanted, sizeof samples[0], wanted, stdin) == wanted) {
        hanmadi_scores_int16(samples, workspace, scores);
        for (int label = 0; label < HANMADI_LABELS; label++)
            printf("%s%.9g", label ? " " : "", (double)scores[label]);
        const int word = live ? hanmadi_decide(&decider, scores) : -1;
        if (word >= 0)
            printf(" %s", hanmadi_labels[word]);
        printf("\n");
        memmove(samples, samples + hop, kept * sizeof samples[0]);
        wanted = hop;
    }
    return 0;
}
