package draw

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	_ "image/jpeg" // pictures come in these formats
	_ "image/png"

	_ "golang.org/x/image/webp" // and in this one
)

// MaxPixels is the largest picture that is taken: a small file can hold a huge one.
const MaxPixels = 32 << 20

// Errors of Decode.
var (
	ErrFormat = errors.New("draw: not a picture in PNG, JPEG or WebP")
	ErrSize   = errors.New("draw: the picture has too many pixels")
)

// Decode reads a picture. Errors: ErrFormat, ErrSize.
func Decode(file []byte) (image.Image, error) {
	c, _, err := image.DecodeConfig(bytes.NewReader(file))
	switch {
	case err != nil || c.Width <= 0 || c.Height <= 0:
		return nil, ErrFormat
	case c.Width > MaxPixels/c.Height:
		return nil, ErrSize
	}
	img, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, ErrFormat
	}
	return img, nil
}

// Edit paints the scene into a picture, at the given size: where the mask is transparent, or with nil half through all of
// it. Picture and mask are fitted to the size.
func (s *Scene) Edit(picture, mask image.Image, width, height int) *image.RGBA {
	out, scene := image.NewRGBA(image.Rect(0, 0, width, height)), s.Paint(width, height, 0)
	for y := range height {
		for x := range width {
			under := sample(picture, x, y, width, height)
			over := s.palette[scene.Pix[y*scene.Stride+x]].(color.RGBA) //nolint:forcetypeassert // New makes it of these
			switch {
			case mask == nil:
				out.SetRGBA(x, y, mix(under, over))
			case sample(mask, x, y, width, height).A < 128:
				out.SetRGBA(x, y, over)
			default:
				out.SetRGBA(x, y, under)
			}
		}
	}
	return out
}

// sample is the colour of the nearest point.
func sample(img image.Image, x, y, width, height int) color.RGBA {
	b := img.Bounds()
	c := img.At(b.Min.X+x*b.Dx()/width, b.Min.Y+y*b.Dy()/height)
	return color.RGBAModel.Convert(c).(color.RGBA) //nolint:forcetypeassert // the model's own
}

func mix(a, b color.RGBA) color.RGBA {
	half := func(x, y uint8) uint8 { return uint8((int(x) + int(y)) / 2) } //nolint:gosec // the mean of two bytes
	return color.RGBA{half(a.R, b.R), half(a.G, b.G), half(a.B, b.B), 255}
}
