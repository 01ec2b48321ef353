/* Raw sound on standard input, scores on standard output.
 *
 *   cc -O2 -std=c99 -o hear hanmadi_model.c hanmadi_speech.c example.c -lm
 *   ffmpeg -i clip.wav -f s16le -ac 1 -ar @SAMPLE_RATE@ - | ./hear
 *
 * The sound is a recording of one word, and one line comes of it, as hanmadi predict hears it: of more than a clip the
 * stretch that holds the word, of less all of it, between zeros.
 *
 * With --clips it is clips that follow each other: a line each, the last one with silence around it.
 *
 * With --live the clips are windows of a stream, and the words that are detected follow their scores. A quiet room is
 * heard before and after the stream, so that words at its very start and end are detected.
 *
 * For a microcontroller take what --live does; it needs neither hanmadi_speech.c nor the memory for a recording.
 */
#include "hanmadi_model.h"
#include "hanmadi_speech.h"

#include <stdio.h>
#include <string.h>

#define MOST_SECONDS 60
#define MOST_SAMPLES ((size_t)MOST_SECONDS * HANMADI_SAMPLE_RATE)

static int16_t samples[HANMADI_CLIP_SAMPLES];
static float workspace[HANMADI_WORKSPACE_FLOATS];
static hanmadi_decider decider;
static int16_t recording[MOST_SAMPLES + 1]; /* one more shows that there is more */
static double speech_workspace[HANMADI_SPEECH_DOUBLES(MOST_SAMPLES, HANMADI_SAMPLE_RATE)];

/* A file would be heard as noise, for its samples may have another rate, or be packed. */
static int is_file(const int16_t *head, size_t came)
{
    if (came < 2 || (memcmp(head, "RIFF", 4) != 0 && memcmp(head, "RF64", 4) != 0 && memcmp(head, "fLaC", 4) != 0 &&
                     memcmp(head, "OggS", 4) != 0))
        return 0;
    fprintf(stderr, "expected raw samples, got a sound file; decode it with: ffmpeg -i FILE -f s16le -ac 1 "
                    "-ar @SAMPLE_RATE@ - | ./hear\n");
    return 1;
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

static void print_scores(const float *scores)
{
    for (int label = 0; label < HANMADI_LABELS; label++)
        printf("%s%.9g", label ? " " : "", (double)scores[label]);
}

/* 16 bits, little-endian, as this machine has to have them too. */
static size_t read_samples(int16_t *sound, size_t count)
{
    return fread(sound, sizeof sound[0], count, stdin);
}

static int hear_recording(void)
{
    float scores[HANMADI_LABELS];
    const size_t came = read_samples(recording, MOST_SAMPLES + 1);
    if (is_file(recording, came))
        return 1;
    if (came == 0) {
        fprintf(stderr, "expected raw samples on standard input, got none\n");
        return 1;
    }
    if (came > MOST_SAMPLES) {
        fprintf(stderr, "expected a recording of one word, of %d s at most; words in a longer one are found with: "
                        "./hear --live\n", MOST_SECONDS);
        return 1;
    }
    const size_t start =
        hanmadi_speech_start(recording, came, HANMADI_SAMPLE_RATE, HANMADI_CLIP_SAMPLES, speech_workspace);
    const size_t kept = came < HANMADI_CLIP_SAMPLES ? came : HANMADI_CLIP_SAMPLES;
    memcpy(samples, recording + start, kept * sizeof samples[0]);
    centre(kept);
    hanmadi_scores_int16(samples, workspace, scores);
    print_scores(scores);
    printf("\n");
    return 0;
}

/* Clips that follow each other, or, live, windows that overlap. */
static int hear_stream(int live)
{
    const size_t hop = live ? HANMADI_HOP_SAMPLES : HANMADI_CLIP_SAMPLES;
    int16_t *const newest = samples + HANMADI_CLIP_SAMPLES - hop;
    size_t silent = live ? (HANMADI_CLIP_SAMPLES / 2 + hop - 1) / hop + HANMADI_SMOOTHED : 0; /* hops after the sound */
    float scores[HANMADI_LABELS];
    hanmadi_begin(&decider);
    quiet_room(samples, HANMADI_CLIP_SAMPLES);
    for (size_t number = 0;; number++) {
        memmove(samples, samples + hop, (HANMADI_CLIP_SAMPLES - hop) * sizeof samples[0]);
        const size_t came = read_samples(newest, hop);
        if (number == 0 && is_file(newest, came))
            return 1;
        if (came == 0 && silent-- == 0)
            break;
        if (live)
            quiet_room(newest + came, hop - came);
        else
            centre(came);
        hanmadi_scores_int16(samples, workspace, scores);
        print_scores(scores);
        const int word = live ? hanmadi_decide(&decider, scores) : -1;
        if (word >= 0)
            printf(" %s", hanmadi_labels[word]);
        printf("\n");
    }
    return 0;
}

int main(int count, char **arguments)
{
    if (count <= 1)
        return hear_recording();
    const int live = strcmp(arguments[1], "--live") == 0;
    if (count == 2 && (live || strcmp(arguments[1], "--clips") == 0))
        return hear_stream(live);
    fprintf(stderr, "expected no option, --clips or --live, got:");
    for (int i = 1; i < count; i++)
        fprintf(stderr, " %s", arguments[i]);
    fprintf(stderr, "; raw sound comes on standard input\n");
    return 2;
}
