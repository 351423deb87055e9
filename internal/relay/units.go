package relay

import (
	"github.com/gantry-ai/gantry/internal/inference"
)

// askedUnits adds what a request asks for besides text to what it can take at most, so that it is held for and limited.
func (c *call) askedUnits(most *inference.Usage) {
	most.Quantities[inference.Image] = c.askedImages()
	most.Quantities[inference.Characters] = c.ask.Characters
	if c.op.Format.Kind() == inference.VideoGenerations {
		most.Quantities[inference.VideoSecond] = c.ask.Seconds
	} else {
		most.Quantities[inference.AudioSecond] = c.ask.Seconds
	}
}

// askedImages is how many images the request asks for; none where the operation makes none.
func (c *call) askedImages() int64 {
	switch c.op.Format.Kind() {
	case inference.ImageGenerations, inference.ImageEdits:
		return max(1, c.ask.Images, c.ask.Choices)
	default:
		return 0
	}
}
