// Package draw paints the simulator's pictures: a landscape that depends on a number alone, at a size and a time. The same
// picture is the same bytes wherever and whenever it is painted.
package draw

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
)

const (
	bands = 12 // of the sky
	hills = 3
)

// Indexes into a scene's palette: the bands come first.
const (
	colorSun = bands + iota
	colorHill
	numColors = colorHill + hills
)

// Scene is a landscape.
type Scene struct {
	palette  color.Palette
	sunX     float64 // where it is at the start; all lengths are parts of the width or the height
	sunY     float64
	sunSize  float64
	sunSpeed float64 // widths per second
	waves    [hills][2]wave
	levels   [hills]float64
}

type wave struct{ height, length, phase float64 }

// New returns the scene that belongs to a seed.
func New(seed uint64) *Scene {
	r := rand.New(rand.NewPCG(seed, 0x9E3779B97F4A7C15)) //nolint:gosec // reproducible on purpose
	s := &Scene{
		sunX: 0.15 + 0.3*r.Float64(), sunY: 0.18 + 0.2*r.Float64(), sunSize: 0.07 + 0.06*r.Float64(), sunSpeed: 0.04 + 0.05*r.Float64(),
	}
	hue := r.Float64()
	for i := range bands {
		at := float64(i) / bands
		s.palette = append(s.palette, hsv(hue+0.12*at, 0.55-0.35*at, 0.55+0.4*at))
	}
	s.palette = append(s.palette, hsv(hue+0.5, 0.35, 1))
	for i := range hills {
		s.palette = append(s.palette, hsv(hue+0.3+0.04*float64(i), 0.5+0.1*float64(i), 0.55-0.14*float64(i)))
		s.levels[i] = 0.55 + 0.13*float64(i) + 0.05*r.Float64()
		for j := range s.waves[i] {
			s.waves[i][j] = wave{height: (0.05 + 0.05*r.Float64()) / float64(j+1), length: (0.3 + r.Float64()) / float64(2*j+1), phase: r.Float64()}
		}
	}
	return s
}

// hsv is a colour by hue, saturation and value, each from 0 to 1; hues go round.
func hsv(h, s, v float64) color.RGBA {
	h = (h - math.Floor(h)) * 6
	part := func(n float64) uint8 {
		k := math.Mod(n+h, 6)
		return uint8(math.Round(255 * (v - v*s*max(0, min(k, 4-k, 1)))))
	}
	return color.RGBA{part(5), part(3), part(1), 255}
}

// Paint paints the scene as it is after some seconds.
func (s *Scene) Paint(width, height int, seconds float64) *image.Paletted {
	out := image.NewPaletted(image.Rect(0, 0, width, height), s.palette)
	sunX := math.Mod(s.sunX+s.sunSpeed*seconds, 1.2)
	ratio := float64(height) / float64(width)
	for x := range width {
		u := (float64(x) + 0.5) / float64(width)
		tops := s.tops(u)
		for y := range height {
			v := (float64(y) + 0.5) / float64(height)
			out.Pix[y*out.Stride+x] = s.at(u-sunX, v, ratio, &tops)
		}
	}
	return out
}

// tops are how high the hills are at a place.
func (s *Scene) tops(u float64) (out [hills]float64) {
	for i := range hills {
		out[i] = s.levels[i]
		for _, w := range s.waves[i] {
			out[i] += w.height * math.Sin(2*math.Pi*(u/w.length+w.phase))
		}
	}
	return out
}

func (s *Scene) at(fromSun, v, ratio float64, tops *[hills]float64) uint8 {
	for i := hills - 1; i >= 0; i-- {
		if v > tops[i] {
			return uint8(colorHill + i)
		}
	}
	if dy := (v - s.sunY) * ratio; fromSun*fromSun+dy*dy < s.sunSize*s.sunSize {
		return colorSun
	}
	return uint8(v * bands)
}

// PNG writes a picture as PNG.
func PNG(img image.Image) []byte {
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&b, img); err != nil {
		panic(err) // the picture has a size that PNG can have, and memory does not fail to be written
	}
	return b.Bytes()
}
