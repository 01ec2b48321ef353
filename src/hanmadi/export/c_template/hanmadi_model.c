/* Written by: hanmadi export --to c. Change the model, not this file. See the header. */
#include "hanmadi_model.h"

#include <math.h>

#define N_FFT @N_FFT@
#define HALF (N_FFT / 2)
#define ARENA @ARENA@ /* floats of the workspace that are the first of two buffers */
#define CHANNELS @CHANNELS@ /* that the dense layer reads */
#define LAYERS @LAYER_COUNT@

typedef struct {
    int in_channels, in_rows, in_columns;
    int out_channels, out_rows, out_columns;
    int rows, columns; /* of the kernel */
    int stride_rows, stride_columns, pad_rows, pad_columns;
    int groups, residual, relu;
    const float *weights, *bias;
} layer;

const char *const hanmadi_labels[HANMADI_LABELS] = {@LABEL_NAMES@};
const float hanmadi_thresholds[HANMADI_WORDS] = {@THRESHOLDS@};
static const int word_labels[HANMADI_WORDS] = {@WORD_LABELS@};

@ARRAYS@

/* ---- front-end: log-mel ---- */

/* Discrete Fourier transform of HALF complex numbers (real, imaginary beside each other), in place. */
static void transform(float *z)
{
    for (int i = 1, j = 0; i < HALF; i++) {
        int bit = HALF >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            const float re = z[2 * i], im = z[2 * i + 1];
            z[2 * i] = z[2 * j];
            z[2 * i + 1] = z[2 * j + 1];
            z[2 * j] = re;
            z[2 * j + 1] = im;
        }
    }
    for (int size = 2; size <= HALF; size *= 2) {
        for (int start = 0; start < HALF; start += size) {
            for (int k = 0; k < size / 2; k++) {
                const float c = cosines[k * (N_FFT / size)], s = sines[k * (N_FFT / size)];
                float *a = z + 2 * (start + k), *b = a + size;
                const float re = c * b[0] + s * b[1], im = c * b[1] - s * b[0];
                b[0] = a[0] - re;
                b[1] = a[1] - im;
                a[0] += re;
                a[1] += im;
            }
        }
    }
}

/* Power of a frame of real samples: even samples stood as real parts, odd ones as imaginary, and were transformed. */
static void power_of(const float *z, float *power)
{
    for (int k = 0; k <= HALF; k++) {
        const float *a = z + 2 * (k % HALF), *b = z + 2 * ((HALF - k) % HALF);
        const float even_re = 0.5f * (a[0] + b[0]), even_im = 0.5f * (a[1] - b[1]);
        const float odd_re = 0.5f * (a[1] + b[1]), odd_im = 0.5f * (b[0] - a[0]);
        const float c = k < HALF ? cosines[k] : -1.0f, s = k < HALF ? sines[k] : 0.0f;
        const float re = even_re + c * odd_re + s * odd_im, im = even_im + c * odd_im - s * odd_re;
        power[k] = re * re + im * im;
    }
}

/* Log-mel of a frame that lies windowed in scratch; mels are written that far apart. */
static void log_mel(float *scratch, float *mels, int apart)
{
    float *power = scratch + N_FFT;
    const float *filter = mel_weights;
    transform(scratch);
    power_of(scratch, power);
    for (int m = 0; m < HANMADI_MELS; m++) {
        float sum = 0.0f;
        for (int k = 0; k < mel_counts[m]; k++)
            sum += *filter++ * power[mel_firsts[m] + k];
        mels[m * apart] = (logf(sum + @FLOOR@) - @MEAN@) / @STD@;
    }
}

static void window_float(const float *samples, float *scratch)
{
    for (int i = 0; i < N_FFT; i++)
        scratch[i] = i < HANMADI_FRAME_SAMPLES ? samples[i] * window[i] : 0.0f;
}

static void window_int16(const int16_t *samples, float *scratch)
{
    for (int i = 0; i < N_FFT; i++)
        scratch[i] = i < HANMADI_FRAME_SAMPLES ? (float)samples[i] / 32768.0f * window[i] : 0.0f;
}

void hanmadi_frame_int16(const int16_t *samples, float *workspace, float *mels)
{
    window_int16(samples, workspace + ARENA);
    log_mel(workspace + ARENA, mels, 1);
}

/* ---- network ---- */

/* Adds the input, moved to where one number of the kernel sees it, times that number. */
static void add_moved(const layer *l, int row, int column, float weight, const float *in, float *out)
{
    const int down = row - l->pad_rows, along = column - l->pad_columns;
    const int first = along < 0 ? (-along + l->stride_columns - 1) / l->stride_columns : 0;
    int last = (l->in_columns - 1 - along) / l->stride_columns; /* along is less than the columns that go in */
    if (last > l->out_columns - 1)
        last = l->out_columns - 1;
    for (int y = 0; y < l->out_rows; y++) {
        const int from = y * l->stride_rows + down;
        if (from < 0 || from >= l->in_rows)
            continue;
        const float *source = in + from * l->in_columns + along;
        float *target = out + y * l->out_columns;
        for (int x = first; x <= last; x++)
            target[x] += weight * source[x * l->stride_columns];
    }
}

/* out holds what a residual layer adds to. */
static void convolve(const layer *l, const float *in, float *out)
{
    const int in_size = l->in_rows * l->in_columns, out_size = l->out_rows * l->out_columns;
    const int reads = l->in_channels / l->groups, writes = l->out_channels / l->groups;
    const float *weight = l->weights;
    for (int c = 0; c < l->out_channels; c++, out += out_size) {
        const float *source = in + c / writes * reads * in_size;
        for (int i = 0; i < out_size; i++)
            out[i] = l->bias[c] + (l->residual ? out[i] : 0.0f);
        for (int i = 0; i < reads; i++, source += in_size)
            for (int row = 0; row < l->rows; row++)
                for (int column = 0; column < l->columns; column++)
                    add_moved(l, row, column, *weight++, source, out);
        for (int i = 0; l->relu && i < out_size; i++)
            out[i] = out[i] > 0.0f ? out[i] : 0.0f;
    }
}

/* Mean over all places, dense layer, softmax. */
static void decide_label(const float *in, int size, float *means, float *scores)
{
    float highest = -INFINITY, sum = 0.0f;
    for (int c = 0; c < CHANNELS; c++, in += size) {
        means[c] = 0.0f;
        for (int i = 0; i < size; i++)
            means[c] += in[i];
        means[c] /= (float)size;
    }
    for (int label = 0; label < HANMADI_LABELS; label++) {
        scores[label] = dense_bias[label];
        for (int c = 0; c < CHANNELS; c++)
            scores[label] += dense_weights[label * CHANNELS + c] * means[c];
        if (scores[label] > highest)
            highest = scores[label];
    }
    for (int label = 0; label < HANMADI_LABELS; label++)
        sum += scores[label] = expf(scores[label] - highest);
    for (int label = 0; label < HANMADI_LABELS; label++)
        scores[label] /= sum;
}

void hanmadi_network(const float *features, float *workspace, float *scores)
{
    /* layers read one buffer and write the other; a residual one adds to what the layer before it has read */
    float *buffers[2] = {workspace + ARENA, workspace};
    const float *in = features;
    const layer *last = layers + LAYERS - 1;
    for (int i = 0; i < LAYERS; i++) {
        convolve(layers + i, in, buffers[i % 2]);
        in = buffers[i % 2];
    }
    decide_label(in, last->out_rows * last->out_columns, buffers[LAYERS % 2], scores);
}

void hanmadi_scores(const float *samples, float *workspace, float *scores)
{
    for (int frame = 0; frame < HANMADI_FRAMES; frame++) {
        window_float(samples + frame * HANMADI_FRAME_HOP, workspace + ARENA);
        log_mel(workspace + ARENA, workspace + frame, HANMADI_FRAMES);
    }
    hanmadi_network(workspace, workspace, scores);
}

void hanmadi_scores_int16(const int16_t *samples, float *workspace, float *scores)
{
    for (int frame = 0; frame < HANMADI_FRAMES; frame++) {
        window_int16(samples + frame * HANMADI_FRAME_HOP, workspace + ARENA);
        log_mel(workspace + ARENA, workspace + frame, HANMADI_FRAMES);
    }
    hanmadi_network(workspace, workspace, scores);
}

/* ---- decisions ---- */

void hanmadi_begin(hanmadi_decider *decider)
{
    for (int word = 0; word < HANMADI_WORDS; word++) {
        decider->armed[word] = 1;
        for (int i = 0; i < HANMADI_SMOOTHED; i++)
            decider->recent[i][word] = 0.0f;
    }
    decider->place = decider->rest = 0;
}

int hanmadi_decide(hanmadi_decider *decider, const float *scores)
{
    int best = 0, best_above = 0;
    float highest = -1.0f;
    /* as if unknown's odds were so many times as high: in talk doubt weighs more than in one clip */
    const float all = 1.0f + @UNKNOWN_EXTRA@;
    for (int word = 0; word < HANMADI_WORDS; word++) {
        float average = 0.0f;
        decider->recent[decider->place][word] = scores[word_labels[word]] / all;
        for (int i = 0; i < HANMADI_SMOOTHED; i++)
            average += decider->recent[i][word] / (float)HANMADI_SMOOTHED;
        const int above = average > hanmadi_thresholds[word];
        if (!above)
            decider->armed[word] = 1; /* a word is detected once until it has ended */
        if (average > highest) {
            best = word;
            highest = average;
            best_above = above;
        }
    }
    decider->place = (decider->place + 1) % HANMADI_SMOOTHED;
    if (decider->rest > 0)
        decider->rest--;
    if (decider->rest > 0 || !best_above || !decider->armed[best])
        return -1;
    decider->armed[best] = 0;
    decider->rest = HANMADI_REST;
    return word_labels[best];
}
