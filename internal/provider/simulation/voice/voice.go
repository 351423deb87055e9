// Package voice makes sound of a text: a hum whose melody follows the letters, the same for the same text and voice. It is no
// language, but it is a real recording, as long as a person would take to say it.
package voice

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"math"
	"strings"
	"unicode"

	"github.com/gantry-ai/gantry/internal/wire/sound"
)

// Rate is how many samples a second has; they have 16 bits and one channel.
const Rate = 24_000

const (
	perSecond  = 15 // characters at the usual speed
	usualSpeed = 100
	tableBits  = 10
	loudest    = 9_000
	fade       = Rate / 100 // at both ends of a sound
)

// sine is one turn.
var sine = func() (t [1 << tableBits]int32) {
	for i := range t {
		t[i] = int32(loudest * math.Sin(2*math.Pi*float64(i)/(1<<tableBits)))
	}
	return t
}()

// Samples is how many samples a character takes at a speed in hundredths.
func Samples(speed int64) int { return int(Rate * usualSpeed / (perSecond * max(1, speed))) }

// Speak appends the samples of a text, little-endian, to dst.
func Speak(dst []byte, text, voice string, speed int64) []byte {
	h := fnv.New32a()
	_, _ = h.Write([]byte(voice))
	base := 110 + h.Sum32()%110 // hertz
	var phase [3]uint32
	for _, r := range text {
		dst = say(dst, r, base, Samples(speed), &phase)
	}
	return dst
}

// say appends one character: a tone with two overtones, or silence.
func say(dst []byte, r rune, base uint32, samples int, phase *[3]uint32) []byte {
	tone := unicode.IsLetter(r) || unicode.IsDigit(r)
	pitch := base + uint32(r%12)*base/24 //nolint:gosec // of twelve
	brightness := int32(2)
	if strings.ContainsRune("aeiouAEIOU", r) {
		brightness = 1
	}
	for i := range samples {
		level := int32(0)
		for n := range phase {
			phase[n] += pitch * uint32(n+1) * (math.MaxUint32 / Rate)
			level += sine[phase[n]>>(32-tableBits)] / (int32(n)*brightness + 1)
		}
		if !tone {
			level = 0
		}
		edge := min(i, samples-1-i, fade)
		level = level * int32(edge) / fade / 2
		dst = binary.LittleEndian.AppendUint16(dst, uint16(level)) //nolint:gosec // the bits of the sample
	}
	return dst
}

// WAV returns a file with the samples, and with a note of what they say.
func WAV(samples []byte, said string) []byte {
	note := append([]byte(said), 0)
	if len(note)%2 == 1 {
		note = append(note, 0)
	}
	b := new(bytes.Buffer)
	b.Grow(64 + len(note) + len(samples))
	u32 := func(n int) { _ = binary.Write(b, binary.LittleEndian, uint32(n)) } //nolint:gosec // a file in memory
	b.WriteString("RIFF")
	u32(4 + 24 + 20 + len(note) + 8 + len(samples))
	b.WriteString("WAVEfmt ")
	u32(16)
	_ = binary.Write(b, binary.LittleEndian, []uint16{1, 1})
	u32(Rate)
	u32(2 * Rate)
	_ = binary.Write(b, binary.LittleEndian, []uint16{2, 16})
	b.WriteString("LIST")
	u32(12 + len(note))
	b.WriteString("INFOICMT")
	u32(len(note))
	b.Write(note)
	b.WriteString("data")
	u32(len(samples))
	b.Write(samples)
	return b.Bytes()
}

// Said is what a recording's note says; false when it has none.
func Said(file []byte) (text string, ok bool) {
	if sound.Type(file) != sound.WAV {
		return "", false
	}
	sound.EachChunk(file, func(name string, content []byte) {
		const head = 12 // INFO, ICMT and its length
		if name == "LIST" && len(content) > head && string(content[:8]) == "INFOICMT" {
			text, ok = strings.TrimRight(string(content[head:]), "\x00"), true
		}
	})
	return text, ok && text != ""
}
