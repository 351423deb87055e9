package draw

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"strings"
	"testing"
)

func TestScenesAreReproducible(t *testing.T) {
	t.Parallel()
	first := PNG(New(1).Paint(60, 40, 2))
	if !bytes.Equal(first, PNG(New(1).Paint(60, 40, 2))) || bytes.Equal(first, PNG(New(2).Paint(60, 40, 2))) || bytes.Equal(first, PNG(New(1).Paint(60, 40, 4))) {
		t.Error("a picture does not depend on seed and time alone")
	}
	img, err := Decode(first)
	if err != nil || img.Bounds() != image.Rect(0, 0, 60, 40) {
		t.Errorf("%v", err)
	}
	var a, b strings.Builder
	New(1).SVG(&a, 60, 40)
	New(1).SVG(&b, 60, 40)
	if a.String() != b.String() || strings.Count(a.String(), "<") != bands+1+hills {
		t.Errorf("got %s", a.String())
	}
}

// huge is the head of a picture of many pixels in few bytes.
func huge(edge uint32) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("IHDR"), edge), edge)
	head = append(head, 8, 2, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(head))
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"nothing": {nil, ErrFormat}, "no picture": {[]byte("<svg/>"), ErrFormat}, "a bomb": {huge(60_000), ErrSize},
		"a head alone": {huge(8), ErrFormat}, "a vast bomb": {huge(1 << 31), ErrFormat},
	} {
		if _, err := Decode(c.file); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEditMixesOrMasks(t *testing.T) {
	t.Parallel()
	white := image.NewUniform(color.White)
	under := image.NewRGBA(image.Rect(0, 0, 2, 2))
	for i := range under.Pix {
		under.Pix[i] = 255
	}
	s := New(5)
	if got := s.Edit(under, white, 8, 8); got.RGBAAt(1, 1) != (color.RGBA{255, 255, 255, 255}) {
		t.Errorf("what the mask covers became %v", got.RGBAAt(1, 1))
	}
	if got := s.Edit(under, nil, 8, 8).RGBAAt(1, 7); got == (color.RGBA{255, 255, 255, 255}) || got.R < 127 {
		t.Errorf("half a scene is %v", got)
	}
}
