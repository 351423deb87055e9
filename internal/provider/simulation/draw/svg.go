package draw

import (
	"fmt"
	"image/color"
	"strings"
)

// svgSteps is how many points an outline has.
const svgSteps = 32

// SVG writes the scene's shapes as elements of a drawing of the given size.
func (s *Scene) SVG(b *strings.Builder, width, height int) {
	w, h := float64(width), float64(height)
	for i := range bands {
		fmt.Fprintf(b, `<rect y="%.1f" width="%d" height="%.1f" fill="%s"/>`, h*float64(i)/bands, width, h/bands+1, s.hex(i))
	}
	fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s"/>`, w*s.sunX, h*s.sunY, w*s.sunSize, s.hex(colorSun))
	for i := range hills {
		fmt.Fprintf(b, `<path d="M0 %d`, height)
		for step := range svgSteps + 1 {
			u := float64(step) / svgSteps
			fmt.Fprintf(b, "L%.1f %.1f", w*u, h*s.tops(u)[i])
		}
		fmt.Fprintf(b, `L%d %dZ" fill="%s"/>`, width, height, s.hex(colorHill+i))
	}
}

func (s *Scene) hex(i int) string {
	c := s.palette[i].(color.RGBA) //nolint:forcetypeassert // New makes it of these
	return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B)
}
