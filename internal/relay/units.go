package relay

import (
	"slices"

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
	if !producesText(k) {
		most.Quantities[inference.TextOutput] = ask.OutputBound
	}
}

// askedImages is how many images a request asks for; none where the operation makes none.
func askedImages(k inference.Kind, ask *wire.Ask) int64 {
	switch k {
	case inference.ImageGenerations, inference.ImageEdits, inference.ImageVariations:
		return max(1, ask.Images, ask.Choices)
	default:
		return 0
	}
}

// pieces are what operations are priced by that are not priced by tokens of text first: what they make or take pieces of, the
// first of which that has a price counts. An operation without pieces may still be priced by the call alone.
var pieces = map[inference.Kind][]inference.Resource{
	inference.ImageGenerations: {inference.Image},
	inference.ImageEdits:       {inference.Image},
	inference.ImageVariations:  {inference.Image},
	inference.VideoGenerations: {inference.VideoSecond},
	inference.Speech:           {inference.Characters, inference.AudioSecond},
	inference.Transcriptions:   {inference.AudioSecond},
	inference.Translations:     {inference.AudioSecond},
	inference.Rerank:           {inference.Search},
	inference.Moderations:      {},
}

// hasPieces reports whether an operation is priced as pieces says.
func hasPieces(k inference.Kind) bool {
	_, ok := pieces[k]
	return ok
}

// pieceFor is the piece of an operation that a schedule has a price for.
func pieceFor(k inference.Kind, s *pricing.Schedule) (inference.Resource, bool) {
	for _, r := range pieces[k] {
		if s.Prices(r) {
			return r, true
		}
	}
	return 0, false
}

// tokenPiece is what an operation makes of tokens: without a price for it or for a piece, its set was not made for it.
func tokenPiece(k inference.Kind) inference.Resource {
	switch k {
	case inference.ImageGenerations, inference.ImageEdits, inference.ImageVariations, inference.VideoGenerations:
		return inference.ImageOutput
	case inference.Transcriptions, inference.Translations:
		return inference.TextOutput
	default:
		return inference.TextInput
	}
}

// chargeable leaves out of a usage what the price of an operation does not go by: media are priced by the piece, or else by
// tokens, and by the call. A set that prices both pieces and text is one for several kinds of models, so tokens do not count
// where the piece has a price. Where nothing has one nothing is left out, so that pricing refuses the call.
func chargeable(k inference.Kind, s *pricing.Schedule, u inference.Usage) inference.Usage {
	piece, byPiece := pieceFor(k, s)
	if !hasPieces(k) || !byPiece && !s.Prices(tokenPiece(k)) && !s.Prices(inference.Request) {
		return u
	}
	for r := range u.Quantities {
		r := inference.Resource(r)
		isToken := r <= inference.AudioOutput
		if isToken && (byPiece || !s.Prices(r)) || isPiece(k, r) && r != piece {
			u.Quantities[r] = 0
		}
	}
	return u
}

// isPiece reports whether an operation has pieces of a resource. Resource 0 is text, and never one.
func isPiece(k inference.Kind, r inference.Resource) bool {
	return slices.Contains(pieces[k], r)
}

// countPieces completes what is known of media whose upstream told no tokens: pieces are counted, and that is all there is to
// know where they have a price. Where only tokens have one, what the call was held for counts. It reports false for
// operations that make no pieces.
func (c *call) countPieces(m *wire.Metered) bool {
	kind := c.op.Format.Kind()
	if _, answers := c.op.Format.(wire.Answerer); answers {
		c.settleGuesses(kind, m)
		return true
	}
	if !hasPieces(kind) || m.Known {
		return hasPieces(kind)
	}
	m.Known = true
	if _, byPiece := pieceFor(kind, c.schedule); byPiece || !c.schedule.Prices(inference.ImageOutput) {
		return true
	}
	m.Usage.Estimated = true
	m.Usage.Quantities[inference.TextInput] = c.op.Format.InputTokens(c.body, &c.ask)
	m.Usage.Quantities[inference.ImageOutput] = m.Usage.Quantities[inference.Image] * c.ask.ImageTokens
	return true
}

// settleGuesses makes the bill an estimate where it goes by something guessed, and forgets the other guesses.
func (c *call) settleGuesses(k inference.Kind, m *wire.Metered) {
	charged := chargeable(k, c.schedule, m.Usage)
	for r := range inference.NumResources {
		switch {
		case !m.Guessed.Has(r):
		case charged.Quantities[r] > 0:
			m.Usage.Estimated = m.Usage.Estimated || !c.schedule.IsPerCall()
		default:
			m.Usage.Quantities[r] = 0
		}
	}
	m.Guessed, m.Known = 0, true
}
