package mp4

import (
	"bytes"
	"encoding/binary"
	"image"
	"slices"
	"testing"

	"github.com/gantry-ai/gantry/internal/provider/simulation/draw"
)

func film(width, height, frames int) (*Film, func(cols, rows, frame int) *image.Paletted) {
	scene := draw.New(3)
	paint := func(cols, rows, frame int) *image.Paletted { return scene.Paint(cols, rows, float64(frame)) }
	return &Film{Width: width, Height: height, Rate: 4, Frames: frames, Paint: paint}, paint
}

// boxes are the contents of the boxes of a file, by path.
func boxes(t *testing.T, file []byte, path string, out map[string][]byte) {
	t.Helper()
	for len(file) > 0 {
		size := int(binary.BigEndian.Uint32(file))
		if size < 8 || size > len(file) {
			t.Fatalf("a box in %q has the size %d of %d", path, size, len(file))
		}
		name := path + "/" + string(file[4:8])
		out[name] = file[8:size]
		if slices.Contains([]string{"moov", "trak", "mdia", "minf", "stbl", "dinf"}, string(file[4:8])) {
			boxes(t, file[8:size], name, out)
		}
		file = file[size:]
	}
}

// TestFileDescribesItsFrames reads the file as a player does: the sample table must lead to every frame.
func TestFileDescribesItsFrames(t *testing.T) {
	t.Parallel()
	f, _ := film(70, 40, 10)
	file := Encode(f)
	found := map[string][]byte{}
	boxes(t, file, "", found)
	const table = "/moov/trak/mdia/minf/stbl"
	sizes := found[table+"/stsz"]
	if n := binary.BigEndian.Uint32(sizes[8:]); n != 10 {
		t.Fatalf("%d samples", n)
	}
	at := int(binary.BigEndian.Uint32(found[table+"/stco"][8:]))
	for i := range 10 {
		size := int(binary.BigEndian.Uint32(sizes[12+4*i:]))
		unit := file[at+4 : at+size]
		key := i == 0 || i == 8
		if int(binary.BigEndian.Uint32(file[at:])) != size-4 || (unit[0] == unitKey) != key || !key && unit[0] != unitSlice {
			t.Errorf("frame %d is not where the table says, or of the wrong kind", i)
		}
		at += size
	}
	if at != len(file) || !bytes.Equal(found[table+"/stss"], words(0, 2, 1, 9)) || !bytes.Equal(found[table+"/stts"], words(0, 1, 10, ticks)) {
		t.Error("the tables do not agree with the frames")
	}
	if !bytes.Equal(file, Encode(f)) {
		t.Error("the same film is another file")
	}
}

// decoder reads what the encoder can write, by the standard and not by the encoder.
type decoder struct {
	in         []byte
	at         int // bit
	cols, rows int
	picture    []colour
	plain      []bool
}

func (d *decoder) u(n int) (v int) {
	for range n {
		v = v<<1 | int(d.in[d.at/8]>>(7-d.at%8)&1)
		d.at++
	}
	return v
}

func (d *decoder) ue() int {
	zeros := 0
	for d.u(1) == 0 {
		zeros++
	}
	return 1<<zeros - 1 + d.u(zeros)
}

// slice decodes a unit into the picture.
func (d *decoder) slice(t *testing.T, unit []byte) {
	t.Helper()
	d.in, d.at = bytes.ReplaceAll(unit[1:], []byte{0, 0, 3}, []byte{0, 0}), 0
	key := unit[0] == unitKey
	d.plain = make([]bool, d.cols*d.rows)
	d.ue()
	kind := d.ue()
	d.ue()
	d.u(frameBits)
	if key {
		d.ue()
		d.u(2)
		d.picture = make([]colour, d.cols*d.rows)
	} else {
		d.u(3)
	}
	if deltaQP, filter := d.ue(), d.ue(); deltaQP != 0 || filter != 1 || (kind == 7) != key {
		t.Fatal("the slice header is not one")
	}
	for at := 0; at < d.cols*d.rows; at++ {
		if !key {
			if at += d.ue(); at >= d.cols*d.rows {
				break
			}
		}
		d.macroblock(t, at, key)
	}
	if d.u(1) != 1 {
		t.Error("the slice does not end where its macroblocks do")
	}
}

func (d *decoder) macroblock(t *testing.T, at int, key bool) {
	t.Helper()
	kind := d.ue()
	if !key {
		kind -= 5
	}
	switch kind {
	case inPlain:
		d.at = (d.at + 7) / 8 * 8
		b := d.in[d.at/8:]
		d.picture[at] = colour{b[0], b[256], b[320]}
		d.plain[at] = true
		d.at += 384 * 8
		return
	case fromLeft:
		d.picture[at] = d.picture[at-1]
	case fromAbove:
		d.picture[at] = d.picture[at-d.cols]
	default:
		t.Fatalf("a macroblock of kind %d", kind)
	}
	d.ue()
	d.ue()
	if near := at%d.cols > 0 && d.plain[at-1] || at >= d.cols && d.plain[at-d.cols]; near && d.u(6) != 3 || !near && d.u(1) != 1 {
		t.Fatal("there are coefficients")
	}
}

func TestFramesAreWhatWasPainted(t *testing.T) {
	t.Parallel()
	f, paint := film(320, 200, 12)
	e := &encoder{cols: 20, rows: 13, width: 320, height: 200}
	d := &decoder{cols: 20, rows: 13}
	for n := range f.Frames {
		img := paint(20, 13, n)
		d.slice(t, e.frame(img, n%8 == 0))
		if !slices.Equal(d.picture, e.colours(img)) {
			t.Errorf("frame %d is another picture", n)
		}
	}
}

func TestUnitsHoldNoStartCodes(t *testing.T) {
	t.Parallel()
	got := unit(1, []byte{0, 0, 0, 0, 0, 1, 0, 0, 3, 0, 0, 4})
	if want := []byte{1, 0, 0, 3, 0, 0, 3, 0, 1, 0, 0, 3, 3, 0, 0, 4}; !bytes.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFits(t *testing.T) {
	t.Parallel()
	for size, want := range map[[2]int]bool{
		{1920, 1080}: true, {1080, 1920}: true, {32, 32}: true, {1920, 1920}: false, {31, 64}: false, {65, 64}: false, {30, 30}: false,
	} {
		if Fits(size[0], size[1]) != want {
			t.Errorf("%v", size)
		}
	}
}
