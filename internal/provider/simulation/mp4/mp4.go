// Package mp4 writes small films: H.264 in an MP4 file that every browser plays. The pictures have one colour for each
// macroblock of 16×16 pixels. Sources: ISO/IEC 14496-12 and -15, ITU-T H.264.
package mp4

import (
	"encoding/binary"
	"image"
	"slices"
)

// Limits of a film.
const (
	MinEdge   = 32
	MaxWidth  = 1920
	MaxHeight = 1920
	maxBlocks = 8192
)

// Film is what Encode makes a file of.
type Film struct {
	// Width and Height are in pixels, even, and within the limits.
	Width, Height int
	// Rate is in frames per second, Frames how many there are.
	Rate, Frames int
	// Paint paints a frame at a size in macroblocks.
	Paint func(cols, rows, frame int) *image.Paletted
}

// Fits reports whether a film can have the size.
func Fits(width, height int) bool {
	blocks := ((width + block - 1) / block) * ((height + block - 1) / block)
	return width >= MinEdge && height >= MinEdge && width <= MaxWidth && height <= MaxHeight && width%2 == 0 && height%2 == 0 &&
		blocks <= maxBlocks
}

// keyEvery is how many seconds lie between frames that stand alone.
const keyEvery = 2

// Encode returns the file. The same film is the same bytes.
func Encode(f *Film) []byte {
	e := &encoder{
		cols: (f.Width + block - 1) / block, rows: (f.Height + block - 1) / block, width: f.Width, height: f.Height,
	}
	t := track{Film: f, sps: e.sps(), pps: e.pps()}
	for n := range f.Frames {
		key := n%(keyEvery*f.Rate) == 0
		t.add(e.frame(f.Paint(e.cols, e.rows, n), key), key)
	}
	head := box("ftyp", []byte("isom\x00\x00\x02\x00isomiso2avc1mp41"))
	size := len(head) + len(t.movie(0))
	return slices.Concat(head, t.movie(size+8), box("mdat", t.data))
}

// track collects the frames.
type track struct {
	*Film

	sps, pps []byte
	data     []byte
	sizes    []uint32
	keys     []uint32 // numbers of the key frames, from 1
}

func (t *track) add(frame []byte, key bool) {
	t.data = binary.BigEndian.AppendUint32(t.data, uint32(len(frame))) //nolint:gosec // far below 4 GB
	t.data = append(t.data, frame...)
	t.sizes = append(t.sizes, uint32(len(frame)+4)) //nolint:gosec // far below 4 GB
	if key {
		t.keys = append(t.keys, uint32(len(t.sizes))) //nolint:gosec // as many as frames
	}
}

// box is a box of the file format.
func box(kind string, parts ...[]byte) []byte {
	size := 8
	for _, p := range parts {
		size += len(p)
	}
	out := binary.BigEndian.AppendUint32(make([]byte, 0, size), uint32(size))
	out = append(out, kind...)
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// words are numbers of 32 bits.
func words(numbers ...uint32) []byte {
	var out []byte
	for _, n := range numbers {
		out = binary.BigEndian.AppendUint32(out, n)
	}
	return out
}

// halves are numbers of 16 bits.
func halves(numbers ...int) []byte {
	var out []byte
	for _, n := range numbers {
		out = binary.BigEndian.AppendUint16(out, uint16(n)) //nolint:gosec // written by hand, or a size within the limits
	}
	return out
}

// unity is the matrix that changes nothing.
var unity = words(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)

// ticks are how many units of time a frame takes.
const ticks = 100

// movie is the box that describes everything; the frames are at an offset of the file.
func (t *track) movie(offset int) []byte {
	scale, length := uint32(t.Rate*ticks), uint32(t.Frames*ticks) //nolint:gosec // small
	return box("moov",
		box("mvhd", words(0, 0, 0, scale, length, 0x10000, 0x01000000, 0, 0), unity, words(0, 0, 0, 0, 0, 0, 2)),
		box("trak",
			box("tkhd", words(3, 0, 0, 1, 0, length, 0, 0, 0, 0), unity, words(uint32(t.Width)<<16, uint32(t.Height)<<16)), //nolint:gosec // within the limits
			box("mdia",
				box("mdhd", words(0, 0, 0, scale, length, 0x55c40000)),
				box("hdlr", words(0, 0), []byte("vide"), words(0, 0, 0), []byte("Gantry\x00")),
				box("minf",
					box("vmhd", words(1, 0, 0)),
					box("dinf", box("dref", words(0, 1), box("url ", words(1)))),
					t.samples(offset),
				),
			),
		),
	)
}

func (t *track) samples(offset int) []byte {
	count := uint32(len(t.sizes)) //nolint:gosec // as many as frames
	return box("stbl",
		box("stsd", words(0, 1), t.format()),
		box("stts", words(0, 1, count, ticks)),
		box("stss", words(0, uint32(len(t.keys))), words(t.keys...)), //nolint:gosec // as many as frames
		box("stsc", words(0, 1, 1, count, 1)),
		box("stsz", words(0, 0, count), words(t.sizes...)),
		box("stco", words(0, 1, uint32(offset))), //nolint:gosec // far below 4 GB
	)
}

// format is the sample entry.
func (t *track) format() []byte {
	config := []byte{1, profile, constraints, level, 0xFF, 0xE1}
	config = append(append(config, halves(len(t.sps))...), t.sps...)
	config = append(append(append(config, 1), halves(len(t.pps))...), t.pps...)
	return box("avc1",
		make([]byte, 6), halves(1), make([]byte, 16), halves(t.Width, t.Height), words(0x480000, 0x480000, 0),
		halves(1), make([]byte, 32), halves(0x18, -1), box("avcC", config),
	)
}
