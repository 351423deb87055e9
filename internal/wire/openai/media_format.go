package openai

import (
	"strconv"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// The formats of operations that make media. An edit may come as a form, which becomes JSON before anything else looks at
// it. Videos are jobs of their upstream's: their answers are not metered here.
var (
	ImageGenerations wire.Format = imageFormat{mediaFormat{inference.ImageGenerations, PeekImages}}
	ImageEdits       wire.Format = editFormat{imageFormat{mediaFormat{inference.ImageEdits, PeekEdits}}}
	ImageVariations  wire.Format = editFormat{imageFormat{mediaFormat{inference.ImageVariations, PeekVariations}}}
	VideoGenerations wire.Format = videoFormat{mediaFormat{inference.VideoGenerations, PeekVideos}}
)

// Bounds of what pictures take in tokens, with the models that are priced by them. Source: OpenAI's guide to image
// generation; the highest of its table for each quality, and for sizes that are not in it.
const (
	imageInputTokens   = 10_000
	imageTokensLow     = 408
	imageTokensMedium  = 1_584
	imageTokensHigh    = 6_240
	imageTokensUnknown = 20_000
)

// mediaFormat is what all of them share.
type mediaFormat struct {
	kind inference.Kind
	peek func([]byte) (MediaFacts, error)
}

// Kind returns the operation.
func (f mediaFormat) Kind() inference.Kind { return f.kind }

// Dialect returns inference.OpenAI.
func (mediaFormat) Dialect() inference.Dialect { return inference.OpenAI }

// Peek reads a request.
func (f mediaFormat) Peek(body []byte) (wire.Ask, error) {
	facts, err := f.peek(body)
	if err != nil {
		return wire.Ask{Model: facts.Model}, requestFault(err)
	}
	a := wire.Ask{
		Model: facts.Model, Stream: facts.Stream, Choices: facts.N, InputBound: facts.boundInput(), StickyKey: facts.User,
		Simulation: facts.SimulationMode, FormatFacts: &facts, Dimensions: facts.dimensions(),
	}
	switch {
	case f.kind == inference.VideoGenerations:
		a.Seconds = facts.Seconds * facts.N
	default:
		a.Images, a.ImageTokens = facts.N, facts.imageTokens()
	}
	switch facts.ResponseFormat {
	case "url":
		a.MediaForm = wire.AsURL
	case "b64_json":
		a.MediaForm = wire.AsBase64
	}
	if len(facts.Inputs) > 0 && (f.kind == inference.ImageGenerations || f.kind == inference.VideoGenerations) {
		a.Needs = wire.NeedsImages
	}
	return a, nil
}

// boundInput is more input tokens than the request can take.
func (f *MediaFacts) boundInput() int64 {
	n := int64(len(f.Inputs))
	if !f.Mask.IsZero() {
		n++
	}
	return BoundTokens(len(f.Prompt)) + n*imageInputTokens
}

// imageTokens is more output tokens than one picture can take.
func (f *MediaFacts) imageTokens() int64 {
	standard := f.Size == "1024x1024" || f.Size == "1536x1024" || f.Size == "1024x1536"
	switch {
	case standard && f.Quality == "low":
		return imageTokensLow
	case standard && f.Quality == "medium":
		return imageTokensMedium
	case standard && f.Quality == "high":
		return imageTokensHigh
	}
	return imageTokensUnknown
}

// dimensions are the parameters that prices may go by.
func (f *MediaFacts) dimensions() map[string]string {
	out := map[string]string{}
	for _, d := range [...]struct{ name, value string }{
		{"size", f.Size},
		{"quality", f.Quality},
		{"resolution", f.Resolution},
		{"aspect_ratio", f.AspectRatio},
		{"style", f.Style},
		{"background", f.Background},
		{"audio", f.Audio},
	} {
		if d.value != "" {
			out[d.name] = d.value
		}
	}
	if f.Seconds > 0 {
		out["duration"] = strconv.FormatInt(f.Seconds, 10)
	}
	return out
}

func mediaFacts(a *wire.Ask) *MediaFacts {
	return a.FormatFacts.(*MediaFacts) //nolint:forcetypeassert // what Peek stored
}

// InputTokens estimates the prompt and the pictures.
func (mediaFormat) InputTokens(_ []byte, a *wire.Ask) int64 {
	f := mediaFacts(a)
	return EstimateTokens([]byte(f.Prompt)) + int64(len(f.Inputs))*ImageTokens
}

// CountInput counts the prompt by a model's vocabulary; pictures count as in InputTokens.
func (mediaFormat) CountInput(_ []byte, a *wire.Ask, family tokens.Family) int64 {
	f := mediaFacts(a)
	return tokens.Count(family, f.Prompt) + int64(len(f.Inputs))*ImageTokens
}

// CountAnswer returns nothing: what was made is not text.
func (mediaFormat) CountAnswer([]byte, tokens.Family) int64 { return 0 }

// Text returns the prompt, at most limit bytes of it and the rest of the character in which they end.
func (mediaFormat) Text(_ []byte, a *wire.Ask, limit int) string {
	prompt := mediaFacts(a).Prompt
	for i := range prompt {
		if i >= limit {
			return prompt[:i]
		}
	}
	return prompt
}

// Edit exchanges the model; runMode is Gantry's own and never goes out.
func (mediaFormat) Edit(dst, body []byte, a *wire.Ask, c wire.Change) []byte {
	return mediaFacts(a).Rewrite(dst, body, Change{Model: c.Model, StripRunMode: true})
}

// End returns nothing: these streams end with the event that completes them.
func (mediaFormat) End() []byte { return nil }

// ErrorBody writes the error envelope. The request id is a header in this protocol.
func (mediaFormat) ErrorBody(f *fault.Error) []byte { return common{}.ErrorBody(f) }

// ErrorFrame writes the error as a stream's last event.
func (mediaFormat) ErrorFrame(f *fault.Error) []byte { return errorEvent(f) }

type imageFormat struct{ mediaFormat }

// editFormat also takes forms.
type editFormat struct{ imageFormat }

// FromForm turns a form into JSON.
func (editFormat) FromForm(body []byte, boundary string) ([]byte, error) {
	out, err := EditForm(body, boundary)
	if err != nil {
		return nil, requestFault(err)
	}
	return out, nil
}

type videoFormat struct{ mediaFormat }

// Answer takes no answers: videos are jobs.
func (videoFormat) Answer([]byte) (wire.Metered, bool) { return wire.Metered{}, false }

// Meter returns a meter that takes no events: videos are jobs.
func (videoFormat) Meter(wire.MeterOptions) wire.Meter { return &eventMeter{sort: noEvents} }

var (
	_ wire.Former      = editFormat{}
	_ wire.MediaBearer = imageFormat{}
	_ wire.Counting    = mediaFormat{}
	_ wire.Texter      = mediaFormat{}
)
