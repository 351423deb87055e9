package params

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// measure writes a value in the schema's way: as the nearest of the allowed values, or, where there is no list of them, in
// the usual notation. False for what cannot be read; such a value is left to the other rules.
type measure func(r *rule, value []byte) ([]byte, bool)

var measures = map[string]measure{"size": normalSize, "ratio": normalRatio, "duration": normalDuration}

// nearest returns the allowed value with the least distance, the first of equals. An allowed value itself is at no
// distance. Those that cannot be read, such as "auto", are only ever met exactly.
func (r *rule) nearest(value []byte, distance func(string) (float64, bool)) ([]byte, bool) {
	var best []byte
	least := math.Inf(1)
	for i := range r.enum {
		c := &r.enum[i]
		if c.is(value) {
			return value, true
		}
		if d, ok := distance(c.text); ok && d < least {
			best, least = c.written, d
		}
	}
	return best, best != nil
}

var pixels = regexp.MustCompile(`^\s*(\d{1,5})\s*[xX×*]\s*(\d{1,5})\s*$`)

// readSize reads "1024x1024", also with * or × and with spaces.
func readSize(s string) (width, height float64, ok bool) {
	m := pixels.FindStringSubmatch(s)
	if m == nil {
		return 0, 0, false
	}
	width, _ = strconv.ParseFloat(m[1], 64)
	height, _ = strconv.ParseFloat(m[2], 64)
	return width, height, width > 0 && height > 0
}

// normalSize takes the allowed size of the nearest shape and, among those, the nearest area.
func normalSize(r *rule, value []byte) ([]byte, bool) {
	width, height, ok := readSize(plainValue(value))
	if !ok {
		return nil, false
	}
	if len(r.enum) == 0 {
		return quote(strconv.Itoa(int(width)) + "x" + strconv.Itoa(int(height))), true
	}
	return r.nearest(value, func(s string) (float64, bool) {
		w, h, ok := readSize(s)
		if !ok {
			return 0, false
		}
		const shapeFirst = 1000 // any difference of shape that people can see outweighs any of area
		return shapeFirst*math.Abs(math.Log(w/h)-math.Log(width/height)) + math.Abs(math.Log(w*h)-math.Log(width*height)), true
	})
}

var proportion = regexp.MustCompile(`^\s*(\d{1,5}(?:\.\d{1,5})?)\s*[:/]\s*(\d{1,5}(?:\.\d{1,5})?)\s*$`)

// readRatio reads "16:9", "16/9", a size, or a number.
func readRatio(s string) (float64, bool) {
	if w, h, ok := readSize(s); ok {
		return w / h, true
	}
	if m := proportion.FindStringSubmatch(s); m != nil {
		w, _ := strconv.ParseFloat(m[1], 64)
		h, _ := strconv.ParseFloat(m[2], 64)
		return w / h, w > 0 && h > 0
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && n > 0 && !math.IsInf(n, 0)
}

func normalRatio(r *rule, value []byte) ([]byte, bool) {
	text := plainValue(value)
	ratio, ok := readRatio(text)
	if !ok {
		return nil, false
	}
	if len(r.enum) > 0 {
		return r.nearest(value, func(s string) (float64, bool) {
			n, ok := readRatio(s)
			return math.Abs(math.Log(n) - math.Log(ratio)), ok
		})
	}
	if w, h, ok := readSize(text); ok {
		d := divisor(int(w), int(h))
		return quote(strconv.Itoa(int(w)/d) + ":" + strconv.Itoa(int(h)/d)), true
	}
	if m := proportion.FindStringSubmatch(text); m != nil {
		return quote(m[1] + ":" + m[2]), true
	}
	return nil, false
}

func divisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

var span = regexp.MustCompile(`(?i)^\s*(\d{1,6}(?:\.\d{1,6})?)\s*(s|sec|secs|second|seconds|m|min|mins|minute|minutes|ms)?\s*$`)

// readDuration reads seconds: 5, "5", "5s", "0.5 min", "5000ms".
func readDuration(s string) (float64, bool) {
	m := span.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	n, _ := strconv.ParseFloat(m[1], 64)
	switch unit := strings.ToLower(m[2]); {
	case unit == "ms":
		n /= 1000
	case strings.HasPrefix(unit, "m"):
		n *= 60
	}
	return n, n > 0
}

// normalDuration takes the nearest allowed duration, of two equally near the shorter, which costs less. Without a list it
// writes seconds, as a text where the schema says so.
func normalDuration(r *rule, value []byte) ([]byte, bool) {
	seconds, ok := readDuration(plainValue(value))
	if !ok {
		return nil, false
	}
	if len(r.enum) > 0 {
		return r.nearest(value, func(s string) (float64, bool) {
			n, ok := readDuration(s)
			distance := math.Abs(n - seconds)
			if n > seconds {
				distance += 1e-9
			}
			return distance, ok
		})
	}
	written := strconv.FormatFloat(seconds, 'f', -1, 64)
	if len(r.types) > 0 && r.types[0] == "string" {
		return quote(written), true
	}
	return []byte(written), true
}

func quote(s string) []byte { return strconv.AppendQuote(nil, s) }
