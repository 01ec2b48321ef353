/* Raw sound on standard input, scores on standard output: a line a clip, the last one with silence around it.
 *
 *   cc -O2 -std=c99 -o hear hanmadi_model.c example.c -lm
 *   ffmpeg -i clip.wav -f s16le -ac 1 -ar @SAMPLE_RATE@ - | ./hear
 *
 * With --live the clips are windows of a stream, and the words that are detected follow their scores. A quiet room is
 * heard before and after the stream, so that words at its very start and end are detected.
 */
#include "hanmadi_model.h"

#include <stdio.h>
#include <string.h>

static int16_t samples[HANMADI_CLIP_SAMPLES];
static float workspace[HANMADI_WORKSPACE_FLOATS];
static hanmadi_decider decider;

/* A file would be heard as noise, for its samples may have another rate, or be packed. */
static int is_file(const int16_t *head)
{
    return memcmp(head, "RIFF", 4) == 0 || memcmp(head, "RF64", 4) == 0 || memcmp(head, "fLaC", 4) == 0 ||
           memcmp(head, "OggS", 4) == 0;
}

/* Faint noise, -60 dB, which networks know better than zeros. */
static void quiet_room(int16_t *sound, size_t count)
{
    static uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        sound[i] = (int16_t)((int)(state >> 16) % 115 - 57);
    }
}

/* In the middle of the clip: what came of the last one. */
static void centre(size_t came)
{
    const size_t before = (HANMADI_CLIP_SAMPLES - came) / 2;
    memmove(samples + before, samples, came * sizeof samples[0]);
    memset(samples, 0, before * sizeof samples[0]);
    memset(samples + before + came, 0, (HANMADI_CLIP_SAMPLES - before - came) * sizeof samples[0]);
}

int main(int count, char **arguments)
{
    const int live = count > 1 && strcmp(arguments[1], "--live") == 0;
    const size_t hop = live ? HANMADI_HOP_SAMPLES : HANMADI_CLIP_SAMPLES;
    int16_t *const newest = samples + HANMADI_CLIP_SAMPLES - hop;
    size_t silent = live ? (HANMADI_CLIP_SAMPLES / 2 + hop - 1) / hop + HANMADI_SMOOTHED : 0; /* hops after the sound */
    float scores[HANMADI_LABELS];
    hanmadi_begin(&decider);
    quiet_room(samples, HANMADI_CLIP_SAMPLES);
    for (size_t number = 0;; number++) {
        memmove(samples, samples + hop, (HANMADI_CLIP_SAMPLES - hop) * sizeof samples[0]);
        /* 16 bits, little-endian, as this machine has to have them too */
        const size_t came = fread(newest, sizeof samples[0], hop, stdin);
        if (number == 0 && came > 1 && is_file(newest)) {
            fprintf(stderr, "expected raw samples, got a sound file; decode it with: ffmpeg -i FILE -f s16le -ac 1 "
                            "-ar @SAMPLE_RATE@ - | ./hear\n");
            return 1;
        }
        if (came == 0 && silent-- == 0)
            break;
        if (live)
            quiet_room(newest + came, hop - came);
        else
            centre(came);
        hanmadi_scores_int16(samples, workspace, scores);
        for (int label = 0; label < HANMADI_LABELS; label++)
            printf("%s%.9g", label ? " " : "", (double)scores[label]);
        const int word = live ? hanmadi_decide(&decider, scores) : -1;
        if (word >= 0)
            printf(" %s", hanmadi_labels[word]);
        printf("\n");
    }
    return 0;
}
