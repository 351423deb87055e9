package sound

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
	"time"
)

// le and be write numbers.
func le(v any) []byte {
	b := new(bytes.Buffer)
	_ = binary.Write(b, binary.LittleEndian, v)
	return b.Bytes()
}

func be(v any) []byte {
	b := new(bytes.Buffer)
	_ = binary.Write(b, binary.BigEndian, v)
	return b.Bytes()
}

func wav(declared uint32, samples int) []byte {
	format := bytes.Join([][]byte{le(uint16(1)), le(uint16(1)), le(uint32(24000)), le(uint32(48000)), le(uint16(2)), le(uint16(16))}, nil)
	return bytes.Join([][]byte{
		[]byte("RIFF"), le(uint32(36)), []byte("WAVEfmt "), le(uint32(16)), format, []byte("LIST"), le(uint32(3)), []byte("abc\x00"),
		[]byte("data"), le(declared), make([]byte, 2*samples),
	}, nil)
}

// mp3 are frames of MPEG-1 layer III, 128 kbit/s at 44.1 kHz: 417 bytes of 26.122 ms.
func mp3(n int) []byte {
	return bytes.Repeat(append([]byte{0xFF, 0xFB, 0x90, 0x00}, make([]byte, 413)...), n)
}

func adts(n int) []byte {
	const size = 100
	head := []byte{0xFF, 0xF1, 0x50 | 4<<2&0x3C, size >> 11, size >> 3 & 0xFF, size & 7 << 5, 0xFC}
	return bytes.Repeat(append(head, make([]byte, size-7)...), n)
}

func flac(samples uint64) []byte {
	info := make([]byte, 34)
	binary.BigEndian.PutUint64(info[10:], 48000<<44|15<<36|samples) // one channel of 16 bits
	return append(append([]byte("fLaC\x80\x00\x00\x22"), info...), make([]byte, 96)...)
}

func page(granule uint64, packets ...[]byte) []byte {
	var table, content []byte
	for _, p := range packets {
		for n := len(p); ; n -= 255 {
			table = append(table, byte(min(n, 255)))
			if n < 255 {
				break
			}
		}
		content = append(content, p...)
	}
	head := append([]byte("OggS\x00\x00"), le(granule)...)
	head = append(head, make([]byte, 12)...)
	return append(append(append(head, byte(len(table))), table...), content...)
}

func opus(n int) []byte {
	out := page(0, append([]byte("OpusHead\x01\x01"), make([]byte, 9)...))
	out = append(out, page(0, []byte("OpusTags"))...)
	for range n {
		out = append(out, page(7, append([]byte{11 << 3}, make([]byte, 299)...))...) // 60 ms, and a granule that lies
	}
	return out
}

func vorbis(samples uint64) []byte {
	head := append(append([]byte("\x01vorbis"), make([]byte, 5)...), le(uint32(44100))...)
	return append(page(0, append(head, make([]byte, 14)...)), page(samples, make([]byte, 100))...)
}

func boxOf(name string, content ...[]byte) []byte {
	b := bytes.Join(content, nil)
	return append(append(be(uint32(len(b)+8)), name...), b...)
}

func mp4(units uint32) []byte {
	movie := bytes.Join([][]byte{make([]byte, 12), be(uint32(1000)), be(units), make([]byte, 80)}, nil)
	return append(boxOf("ftyp", []byte("M4A mp42")), boxOf("moov", boxOf("mvhd", movie))...)
}

func ebml(id []byte, content ...[]byte) []byte {
	b := bytes.Join(content, nil)
	return append(append(append([]byte(nil), id...), 0x40|byte(len(b)>>8), byte(len(b))), b...)
}

func webm(millis float64) []byte {
	var info []byte
	if millis > 0 {
		info = ebml([]byte{0x44, 0x89}, be(math.Float64bits(millis)))
	}
	out := ebml([]byte{0x1A, 0x45, 0xDF, 0xA3}, make([]byte, 20))
	return append(append(out, 0x18, 0x53, 0x80, 0x67, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF),
		ebml([]byte{0x15, 0x49, 0xA9, 0x66}, ebml([]byte{0x2A, 0xD7, 0xB1}, []byte{0x0F, 0x42, 0x40}), info)...)
}

func TestDuration(t *testing.T) {
	t.Parallel()
	tagged := append([]byte("ID3\x04\x00\x00\x00\x00\x02\x01"), make([]byte, 257)...)
	for _, c := range []struct {
		name, kind string
		file       []byte
		want       time.Duration // 0: cannot be told
	}{
		{"wav", WAV, wav(48000, 24000), time.Second},
		{"wav that was streamed", WAV, wav(math.MaxUint32, 12000), 500 * time.Millisecond},
		{"wav without samples", WAV, wav(0, 0), 0},
		{"wav of another sort", WAV, bytes.Replace(wav(48000, 24000), []byte("fmt \x10\x00\x00\x00\x01"), []byte("fmt \x10\x00\x00\x00\x11"), 1), 0},
		{"mp3", MP3, mp3(100), 2612244 * time.Microsecond},
		{"mp3 with a tag and rubbish", MP3, append(append(tagged, "xyz"...), mp3(100)...), 2612244 * time.Microsecond},
		{"aac", AAC, adts(100), 2321995 * time.Microsecond},
		{"flac", FLAC, flac(96000), 2 * time.Second},
		{"flac that was streamed", FLAC, flac(0), 0},
		{"opus", Ogg, opus(50), 3 * time.Second},
		{"vorbis", Ogg, vorbis(44100 * 3), 3 * time.Second},
		{"ogg of nothing", Ogg, page(0, []byte("fishead")), 0},
		{"mp4", MP4, mp4(4500), 4500 * time.Millisecond},
		{"mp4 in fragments", MP4, mp4(0), 0},
		{"webm", WebM, webm(1234), 1234 * time.Millisecond},
		{"webm of a browser", WebM, webm(0), 0},
		{"webm that is nothing", WebM, webm(math.NaN()), 0},
		{"text", "", []byte("hello"), 0},
		{"mpeg", MPEG, []byte{0, 0, 1, 0xBA, 0x44}, 0},
	} {
		if got := Type(c.file); got != c.kind {
			t.Errorf("%s: type %q", c.name, got)
		}
		d, ok := Duration(c.file)
		if d.Truncate(time.Microsecond) != c.want || ok != (c.want > 0) {
			t.Errorf("%s: %v, %v, want %v", c.name, d, ok, c.want)
		}
	}
}

// TestAHeaderCannotMakeALargeFileShort: what only a header claims is no less than the size allows.
func TestAHeaderCannotMakeALargeFileShort(t *testing.T) {
	t.Parallel()
	padding := make([]byte, 640_000)
	for name, file := range map[string][]byte{
		"mp4": append(mp4(1), boxOf("mdat", padding)...), "vorbis": append(vorbis(1), padding...), "flac": append(flac(1), padding...),
	} {
		if d, ok := Duration(file); !ok || d < 5*time.Second {
			t.Errorf("%s: %v, %v", name, d, ok)
		}
	}
	if got := Longest(5000); got != 11*time.Second {
		t.Errorf("5000 bytes last %v at most", got)
	}
}

func FuzzDuration(f *testing.F) {
	for _, b := range [][]byte{wav(9, 4), mp3(2), adts(2), flac(9), opus(2), vorbis(9), mp4(9), webm(9), []byte("OggS"), {0xFF, 0xFB}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, ok := Duration(b)
		if d < 0 || ok && d == 0 && len(b) > 1<<20 {
			t.Errorf("%v, %v", d, ok)
		}
		if ok && Extension(Type(b)) == "" {
			t.Error("a known kind without an extension")
		}
	})
}
