// Package sound tells what kind of recording a file is and how long it lasts, by its headers and frames and without decoding
// it. Files come from strangers: nothing in them is believed that would make a long recording short.
//
// Sources: RFC 3533 (Ogg), RFC 6716 and 7845 (Opus), RFC 9639 (FLAC), ISO/IEC 14496-12 (MP4), ISO/IEC 11172-3 (MP3),
// ISO/IEC 13818-7 (ADTS), the Matroska specification, and Microsoft's RIFF.
package sound

import (
	"bytes"
	"time"
)

// The kinds of recordings that are known, as media types.
const (
	WAV  = "audio/wav"
	MP3  = "audio/mpeg"
	AAC  = "audio/aac"
	FLAC = "audio/flac"
	Ogg  = "audio/ogg"
	MP4  = "audio/mp4"
	WebM = "audio/webm"
	MPEG = "video/mpeg"
)

// extensions are the names that files of a kind usually have.
var extensions = map[string]string{
	WAV: ".wav", MP3: ".mp3", AAC: ".aac", FLAC: ".flac", Ogg: ".ogg", MP4: ".m4a", WebM: ".webm", MPEG: ".mpeg",
}

// Extension is the ending of a file's name, with its dot; "" for a kind that is not known.
func Extension(kind string) string { return extensions[kind] }

// Type tells a recording's kind by its first bytes, whatever it is called; "" for all that is not known.
func Type(b []byte) string {
	switch {
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WAVE":
		return WAV
	case bytes.HasPrefix(b, []byte("fLaC")):
		return FLAC
	case bytes.HasPrefix(b, []byte("OggS")):
		return Ogg
	case len(b) >= 8 && string(b[4:8]) == "ftyp":
		return MP4
	case bytes.HasPrefix(b, []byte{0x1A, 0x45, 0xDF, 0xA3}):
		return WebM
	case bytes.HasPrefix(b, []byte{0, 0, 1, 0xBA}):
		return MPEG
	case bytes.HasPrefix(b, []byte("ID3")):
		return MP3
	}
	if _, ok := mp3Frame(b); ok {
		return MP3
	}
	if _, ok := adtsFrame(b); ok {
		return AAC
	}
	return ""
}

// Duration is how long a whole recording lasts; false when that cannot be told.
func Duration(b []byte) (time.Duration, bool) {
	switch Type(b) {
	case WAV:
		return wavDuration(b)
	case MP3:
		return framesDuration(afterID3(b), mp3Frame)
	case AAC:
		return framesDuration(b, adtsFrame)
	case FLAC:
		return flacDuration(b)
	case Ogg:
		return oggDuration(b)
	case MP4:
		return mp4Duration(b)
	case WebM:
		return webmDuration(b)
	}
	return 0, false
}

// Rates in bytes per second: no recording that people speak into has fewer than slowest, and no container is believed that
// claims more than fastest.
const (
	slowest = 500
	fastest = 64_000
)

// Longest is more than a recording of so many bytes can last, for those that Duration cannot tell.
func Longest(size int) time.Duration { return time.Duration(size/slowest+1) * time.Second }

// claimed is a duration that only a header says. A short one is not believed of a large file.
func claimed(units, perSecond uint64, size int) (time.Duration, bool) {
	const most = uint64(24 * time.Hour / time.Second)
	if units == 0 || perSecond == 0 || units/perSecond > most {
		return 0, false
	}
	whole, rest := units/perSecond, units%perSecond
	d := time.Duration(whole) * time.Second //nolint:gosec // at most a day
	if perSecond <= 1e9 {
		d += time.Duration(rest * uint64(time.Second) / perSecond) //nolint:gosec // below a second
	}
	return max(d, time.Duration(size)*time.Second/fastest), true
}
