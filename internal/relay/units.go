package relay

import (
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
)

// askedUnits adds what a request asks for besides text to what it can take at most, so that it is held for and limited.
func askedUnits(k inference.Kind, ask *wire.Ask, most *inference.Usage) {
	images := askedImages(k, ask)
	most.Quantities[inference.Image] = images
	most.Quantities[inference.ImageOutput] = images * ask.ImageTokens
	most.Quantities[inference.Characters] = ask.Characters
	most.Quantities[inference.Search] = ask.Searches
	if k == inference.VideoGenerations {
		most.Quantities[inference.VideoSecond] = ask.Seconds
	} else {
		most.Quantities[inference.AudioSecond] = ask.Seconds
	}
}

// askedImages is how many images a request asks for; none where the operation makes none.
func askedImages(k inference.Kind, ask *wire.Ask) int64 {
	switch k {
	case inference.ImageGenerations, inference.ImageEdits:
		return max(1, ask.Images, ask.Choices)
	default:
		return 0
	}
}

// pieceOf is what an operation makes pieces of.
func pieceOf(k inference.Kind) (inference.Resource, bool) {
	switch k {
	case inference.ImageGenerations, inference.ImageEdits:
		return inference.Image, true
	case inference.VideoGenerations:
		return inference.VideoSecond, true
	default:
		return 0, false
	}
}

// chargeable leaves out of a usage what the price of an operation does not go by: media are priced by the piece, or else by
// tokens, and by the call. A set that prices both pieces and text is one for several kinds of models, so tokens do not count
// where the piece has a price. Where nothing has one nothing is left out, so that pricing refuses the call.
func chargeable(k inference.Kind, s *pricing.Schedule, u inference.Usage) inference.Usage {
	piece, ok := pieceOf(k)
	if !ok || !s.Prices(piece) && !s.Prices(inference.ImageOutput) && !s.Prices(inference.Request) {
		return u
	}
	byPiece := s.Prices(piece)
	for r := range u.Quantities {
		r := inference.Resource(r)
		isToken := r <= inference.AudioOutput
		if isToken && (byPiece || !s.Prices(r)) || r == piece && !byPiece {
			u.Quantities[r] = 0
		}
	}
	return u
}

// countPieces completes what is known of media whose upstream told no tokens: pieces are counted, and that is all there is to
// know where they have a price. Where only tokens have one, what the call was held for counts. It reports false for
// operations that make no pieces.
func (c *call) countPieces(m *wire.Metered) bool {
	piece, ok := pieceOf(c.op.Format.Kind())
	if !ok || m.Known {
		return ok
	}
	m.Known = true
	if c.schedule.Prices(piece) || !c.schedule.Prices(inference.ImageOutput) {
		return true
	}
	m.Usage.Estimated = true
	m.Usage.Quantities[inference.TextInput] = c.op.Format.InputTokens(c.body, &c.ask)
	m.Usage.Quantities[inference.ImageOutput] = m.Usage.Quantities[inference.Image] * c.ask.ImageTokens
	return true
}
