package units

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// What is supposed of requests that do not say.
const (
	// usualSeconds is how long a video is that nobody gave a length.
	usualSeconds = 5
	// usualOutput is how many tokens an answer has that nobody bounded.
	usualOutput = 1024
	// spokenPerSecond is how many characters are spoken in a second.
	spokenPerSecond = 15
	// audioTokens is how many tokens a second of sound has, rounded up.
	audioTokens = 25
	// searchDocuments is how many documents are ranked as one search.
	searchDocuments = 100
)

// pictureTokens is what a picture of 1024 × 1024 has by quality; larger and smaller ones in proportion.
var pictureTokens = map[string]int64{"low": 272, "medium": 1056, "high": 4160}

// Usage estimates what the request consumes. Where the unit of its kind has a price (images, seconds, characters,
// searches), that is what it is charged by, else tokens. limit bounds the output of a request that does not; 0: unknown.
// Code: invalid_parameter with the path of what must be said.
func (a *Asked) Usage(prices func(inference.Resource) bool, limit int64) (inference.Usage, error) {
	u := inference.Usage{Estimated: true}
	q := &u.Quantities
	switch a.Kind {
	case inference.ImageGenerations, inference.ImageEdits, inference.ImageVariations:
		if prices(inference.Image) || !prices(inference.ImageOutput) {
			q[inference.Image] = a.Count
			return u, nil
		}
		q[inference.ImageOutput] = a.Count * a.pictureTokens()
		q[inference.ImageInput] = a.Pictures * openai.ImageTokens
	case inference.VideoGenerations:
		q[inference.VideoSecond] = a.Count * or(a.Seconds, usualSeconds)
		return u, nil
	case inference.Speech:
		return a.speech(prices), nil
	case inference.Transcriptions, inference.Translations:
		return a.transcription(prices)
	case inference.Rerank:
		return a.ranking(prices), nil
	case inference.Embeddings, inference.Moderations:
	default:
		q[inference.TextOutput] = a.Count * a.answer(limit)
	}
	q[inference.TextInput] = tokensOf(a.Text)
	return u, nil
}

func (a *Asked) answer(limit int64) int64 {
	switch {
	case a.Output > 0:
		return a.Output
	case limit > 0:
		return min(limit, usualOutput)
	}
	return usualOutput
}

func (a *Asked) pictureTokens() int64 {
	tokens, known := pictureTokens[a.Quality]
	if !known {
		tokens = pictureTokens["medium"]
	}
	const square = 1024 * 1024
	area := or(a.Width, 1024) * or(a.Height, 1024)
	return (tokens*area + square - 1) / square
}

func (a *Asked) speech(prices func(inference.Resource) bool) inference.Usage {
	u := inference.Usage{Estimated: true}
	seconds := or(a.Seconds, (a.Characters()+spokenPerSecond-1)/spokenPerSecond)
	switch {
	case prices(inference.Characters):
		u.Quantities[inference.Characters] = a.Characters()
	case prices(inference.AudioSecond):
		u.Quantities[inference.AudioSecond] = seconds
	default:
		u.Quantities[inference.TextInput], u.Quantities[inference.AudioOutput] = tokensOf(a.Text), seconds*audioTokens
	}
	return u
}

func (a *Asked) transcription(prices func(inference.Resource) bool) (inference.Usage, error) {
	u := inference.Usage{Estimated: true}
	bySecond := prices(inference.AudioSecond)
	switch {
	case a.Seconds == 0 && (bySecond || prices(inference.AudioInput)):
		return u, fault.ErrInvalid.Saying("How long is the recording? Give its seconds.").At("seconds")
	case bySecond:
		u.Quantities[inference.AudioSecond] = a.Seconds
	default:
		u.Quantities[inference.AudioInput] = a.Seconds * audioTokens
		u.Quantities[inference.TextOutput] = a.Seconds * spokenPerSecond / 4
	}
	return u, nil
}

// ranking counts searches; tokens where those have a price instead: the query is read with every document.
func (a *Asked) ranking(prices func(inference.Resource) bool) inference.Usage {
	u := inference.Usage{Estimated: true}
	if documents := max(1, a.Documents); prices(inference.Search) {
		u.Quantities[inference.Search] = (documents + searchDocuments - 1) / searchDocuments
	} else {
		u.Quantities[inference.TextInput] = tokensOf(a.Text) + (documents-1)*tokensOf(a.Query)
	}
	return u
}

func tokensOf(text string) int64 { return openai.EstimateTokens([]byte(text)) }

func or(v, otherwise int64) int64 {
	if v == 0 {
		return otherwise
	}
	return v
}
