/* Written by: hanmadi export --to c. See the header.
 *
 * Numbers and running sums are those of hanmadi.audio.endpoints, rounded as there. At 8,000 and 16,000 Hz all else that
 * is summed are halves, quarters and sixteenths of whole numbers, which a double holds unless a sound is at full scale.
 * So both get the very same start, even where two are as good and the last digit decides. At rates with another number
 * of samples to a step (44,100 Hz: 11) it can be one that is as good.
 */
#include "hanmadi_speech.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_PER_SECOND 4000
#define FRAME 40 /* steps: 10 ms */
#define DIFFERENCES 6
#define FIRST_PITCH 10 /* steps, both included */
#define LAST_PITCH 50
#define PITCH_FRAMES 1 /* on either side */
#define UNVOICED 0.4
#define VOICED 0.8
#define LASTING 8 /* frames */
#define QUIET_SHARE 0.9
#define NOISE_MARGIN 1.5
#define LEAST_FLOOR 1e-3
#define MISSING 0.3
#define SLOPE_SHARE 0.35
#define TIE 1e-9 /* windows as good as that are equally good; the first is taken */

static const size_t bands[] = {3, 2}; /* steps */
#define WIDEST_BAND 3

/* The level of samples does not matter, so they stay whole numbers. */
static double mean(const int16_t *samples, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += samples[i];
    return sum / (double)count;
}

/* The sixth difference, at a distance in steps, of the running sum of count steps, which are means of step samples
 * less the first of them: a band-pass. band: count, and while it is made DIFFERENCES * distance more. */
static void find_band(const int16_t *samples, size_t step, size_t count, size_t distance, double *band)
{
    const size_t reach = DIFFERENCES * distance, before = reach / 2;
    const double first = mean(samples, step);
    double sum = 0;
    for (size_t i = 0; i < count + reach; i++) {
        const size_t place = i < before ? 0 : i - before < count ? i - before : count - 1;
        sum += mean(samples + place * step, step) - first;
        band[i] = sum;
    }
    for (size_t left = count + reach; left > count;) {
        left -= distance;
        for (size_t i = 0; i < left; i++)
            band[i] = band[i + distance] - band[i];
    }
}

/* Root mean square of each frame, without a steady tone: what the best multiple of a sample leaves of the sum of the
 * samples on either side of it. */
static void find_levels(const double *band, size_t count, size_t frames, double *levels)
{
    for (size_t frame = 0; frame < frames; frame++) {
        double power = 0, shared = 0, all = 0;
        for (size_t i = frame * FRAME; i < (frame + 1) * FRAME; i++) {
            const double beside = (i + 1 < count ? band[i + 1] : 0) + (i > 0 ? band[i - 1] : 0);
            power += band[i] * band[i];
            shared += band[i] * beside;
            all += beside * beside;
        }
        const double tone = power > 0 ? shared * shared / power : 0;
        levels[frame] = sqrt(fmax(all - tone, 0) / FRAME);
    }
}

/* Sums of width neighbours, in place: count values become the count - width + 1 that it returns. One value more than
 * count has to have room. Running sums are subtracted, as in Python, so that they are rounded as there. */
static size_t window_sums(double *values, size_t count, size_t width)
{
    double running = 0;
    for (size_t i = 0; i < count; i++) {
        const double value = values[i];
        values[i] = running;
        running += value;
    }
    values[count] = running;
    for (size_t i = 0; i + width <= count; i++)
        values[i] = values[i + width] - values[i];
    return count - width + 1;
}

/* How periodic each frame is at the best pitch, 0 (noise) to 1 (a vowel). products and powers: frames + 3. */
static void find_voicing(
    const double *band, size_t count, size_t frames, double *products, double *powers, double *voicing)
{
    const size_t padded = frames + 2 * PITCH_FRAMES;
    for (size_t frame = 0; frame < frames; frame++)
        voicing[frame] = 0;
    for (size_t lag = FIRST_PITCH; lag <= LAST_PITCH; lag++) {
        products[0] = powers[0] = products[padded - 1] = powers[padded - 1] = 0;
        for (size_t frame = 0; frame < frames; frame++) {
            double product = 0, now = 0, later = 0;
            for (size_t i = frame * FRAME; i < (frame + 1) * FRAME; i++) {
                const double shifted = i + lag < count ? band[i + lag] : 0;
                product += band[i] * shifted;
                now += band[i] * band[i];
                later += shifted * shifted;
            }
            products[frame + PITCH_FRAMES] = 2 * product;
            powers[frame + PITCH_FRAMES] = now + later;
        }
        window_sums(products, padded, 2 * PITCH_FRAMES + 1);
        window_sums(powers, padded, 2 * PITCH_FRAMES + 1);
        for (size_t frame = 0; frame < frames; frame++) {
            if (powers[frame] > 0)
                voicing[frame] = fmax(voicing[frame], products[frame] / powers[frame]);
        }
    }
    for (size_t frame = 0; frame < frames; frame++)
        voicing[frame] = fmin(fmax((voicing[frame] - UNVOICED) / (VOICED - UNVOICED), 0), 1);
}

/* Morphological opening, the minimum of LASTING frames, then the maximum: what is over sooner goes. */
static void keep_lasting(const double *levels, size_t frames, double *lasting)
{
    const size_t width = frames < LASTING ? frames : LASTING;
    for (size_t frame = 0; frame < frames; frame++)
        lasting[frame] = 0;
    for (size_t first = 0; first + width <= frames; first++) {
        double least = levels[first];
        for (size_t i = 1; i < width; i++)
            least = fmin(least, levels[first + i]);
        for (size_t i = 0; i < width; i++)
            lasting[first + i] = fmax(lasting[first + i], least);
    }
}

static int by_value(const void *first, const void *second)
{
    const double a = *(const double *)first, b = *(const double *)second;
    return (a > b) - (a < b);
}

/* The level that speech has to exceed. sorted: frames. */
static double noise_floor(const double *levels, size_t frames, size_t clip_frames, double *sorted)
{
    const size_t spare = frames > clip_frames ? frames - clip_frames : 0;
    memcpy(sorted, levels, frames * sizeof levels[0]);
    qsort(sorted, frames, sizeof sorted[0], by_value);
    return fmax(NOISE_MARGIN * sorted[(size_t)(QUIET_SHARE * (double)spare)], LEAST_FLOOR * sorted[frames - 1]);
}

/* Multiplies the score of each window by what it has of one kind of evidence, by how many times levels exceed the
 * floor: its middle in full and its ends less, by two moving sums. row: frames + 2 * slope + 1. */
static void weigh(
    const double *levels, size_t frames, double floor_level, size_t slope, size_t flat, double *row, double *scores)
{
    for (size_t i = 0; i < slope; i++)
        row[i] = row[slope + frames + i] = 0;
    for (size_t i = 0; i < frames; i++)
        row[slope + i] = floor_level > 0 ? fmax(levels[i] / floor_level - 1, 0) : 0;
    const size_t windows = window_sums(row, window_sums(row, frames + 2 * slope, flat), slope);
    for (size_t i = 0; i < windows; i++)
        scores[i] *= MISSING + row[i] / (double)slope;
}

/* To the nearest whole number, half to even as in Python, and 1 or more. */
static size_t rounded(double value)
{
    return value > 1 ? (size_t)rint(value) : 1;
}

size_t hanmadi_speech_start(
    const int16_t *samples, size_t count, uint32_t sample_rate, size_t length, double *workspace)
{
    if (count <= length)
        return 0;
    const size_t spare = count - length;
    const size_t step = rounded((double)sample_rate / STEPS_PER_SECOND), hop = step * FRAME;
    if (count < hop)
        return spare / 2;
    const size_t steps = count / step, frames = steps / FRAME;
    const size_t clip_frames = rounded((double)length / (double)hop);
    const size_t slope = rounded(SLOPE_SHARE * (double)clip_frames), flat = clip_frames - slope + 1;
    const size_t windows = frames + 2 * slope - clip_frames + 1; /* may begin before the recording, and end after it */

    double *const band = workspace; /* clip_frames is at most frames + 1, which the header's number of doubles is for */
    double *const levels = band + steps + DIFFERENCES * WIDEST_BAND;
    double *const voiced = levels + frames;
    double *const lasting = voiced + frames;
    double *const spare_row = lasting + frames;
    double *const row = spare_row + frames + 3;
    double *const scores = row + frames + 2 * slope + 1;
    for (size_t i = 0; i < windows; i++)
        scores[i] = 1;
    for (size_t kind = 0; kind < sizeof bands / sizeof bands[0]; kind++) {
        find_band(samples, step, steps, bands[kind], band);
        find_levels(band, steps, frames, levels);
        find_voicing(band, steps, frames, row, spare_row, voiced);
        for (size_t i = 0; i < frames; i++)
            voiced[i] *= levels[i];
        keep_lasting(levels, frames, lasting);
        const double floor_level = noise_floor(lasting, frames, clip_frames, spare_row);
        weigh(lasting, frames, floor_level, slope, flat, row, scores);
        keep_lasting(voiced, frames, lasting);
        weigh(lasting, frames, floor_level, slope, flat, row, scores);
    }
    double most = 0;
    for (size_t i = 0; i < windows; i++)
        most = scores[i] > most ? scores[i] : most;
    size_t best = 0;
    while (scores[best] < (1 - TIE) * most)
        best++;
    const double middle = ((double)best - (double)slope + (double)clip_frames / 2) * (double)hop;
    const double start = rint(middle - (double)length / 2);
    return start <= 0 ? 0 : start >= (double)spare ? spare : (size_t)start;
}
