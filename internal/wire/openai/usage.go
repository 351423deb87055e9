package openai

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// maxTokens is the highest figure that is believed.
const maxTokens = 1_000_000_000

// Usage reads the usage that a whole answer or a stream chunk tells, and takes it apart so that no token is counted
// twice and all lines together are the provider's total. False means that there is none that can be trusted: a figure is
// missing, negative, not an integer, above 1e9, or larger than the one it is part of. Source: MONEY, section 3.
//
// OpenAI's figures include their parts: cached, written, audio and image tokens are within the input, reasoning within the
// output. xAI and Gemini leave reasoning out of the output but not out of the total, which is how they are told apart.
func Usage(kind inference.Kind, body []byte) (inference.Usage, bool) {
	span, ok := findUsage(body)
	if !ok {
		return inference.Usage{}, false
	}
	return readUsage(kind, span)
}

const (
	inUsage = iota
	inGroq
	inChoices
	numAnswerKeys
)

var (
	answerKeys = jsonscan.NewKeys("usage", "x_groq", "choices")
	usageKey   = jsonscan.NewKeys("usage")
)

// findUsage returns the usage object: at the top, or where Groq and Moonshot put it.
func findUsage(body []byte) ([]byte, bool) {
	var out [numAnswerKeys]jsonscan.Field
	if _, _, err := answerKeys.Scan(body, out[:]); err != nil {
		return nil, false
	}
	if u := out[inUsage].In(body); isObject(u) {
		return u, true
	}
	if u, ok := usageWithin(out[inGroq].In(body)); ok {
		return u, true
	}
	it := jsonscan.Elements(out[inChoices].In(body))
	if !it.Next() {
		return nil, false
	}
	return usageWithin(it.Value)
}

func usageWithin(object []byte) ([]byte, bool) {
	if !isObject(object) {
		return nil, false
	}
	var out [1]jsonscan.Field
	if _, _, err := usageKey.Scan(object, out[:]); err != nil {
		return nil, false
	}
	u := out[0].In(object)
	return u, isObject(u)
}

func isObject(value []byte) bool { return len(value) > 0 && value[0] == '{' }

const (
	uPrompt = iota
	uInput
	uCompletion
	uOutput
	uTotal
	uPromptDetails
	uInputDetails
	uInputTokenDetails
	uCompletionDetails
	uOutputDetails
	uOutputTokenDetails
	uCacheHit
	uCached
	numUsageKeys
)

var usageKeys = jsonscan.NewKeys("prompt_tokens", "input_tokens", "completion_tokens", "output_tokens", "total_tokens",
	"prompt_tokens_details", "input_tokens_details", "input_token_details",
	"completion_tokens_details", "output_tokens_details", "output_token_details",
	"prompt_cache_hit_tokens", "cached_tokens")

const (
	dCached = iota
	dCacheWrite
	dCacheCreation
	dAudio
	dImage
	dReasoning
	numDetailKeys
)

var detailKeys = jsonscan.NewKeys("cached_tokens", "cache_write_tokens", "cache_creation_input_tokens", "audio_tokens",
	"image_tokens", "reasoning_tokens")

// figures are the provider's own, inclusive.
type figures struct {
	input, output, total                       int64
	cached, written, audioIn, imageIn          int64
	reasoning, audioOut, imageOut              int64
	hasInput, hasOutput, hasTotal, hasImageOut bool
	bad                                        bool
}

func readUsage(kind inference.Kind, object []byte) (inference.Usage, bool) {
	f, ok := readFigures(object)
	if !ok || !f.plausible(kind) {
		return inference.Usage{}, false
	}
	return f.split(kind), true
}

func readFigures(object []byte) (f figures, ok bool) {
	var spans [numUsageKeys]jsonscan.Field
	if _, _, err := usageKeys.Scan(object, spans[:]); err != nil {
		return f, false
	}
	f.input, f.hasInput = f.either(object, spans[uPrompt], spans[uInput])
	f.output, f.hasOutput = f.either(object, spans[uCompletion], spans[uOutput])
	f.total, f.hasTotal = f.either(object, spans[uTotal])
	f.inputDetails(first(object, spans[uPromptDetails], spans[uInputDetails], spans[uInputTokenDetails]))
	f.outputDetails(first(object, spans[uCompletionDetails], spans[uOutputDetails], spans[uOutputTokenDetails]))
	if f.cached == 0 {
		f.cached, _ = f.either(object, spans[uCacheHit], spans[uCached])
	}
	return f, true
}

// either returns the first of several spellings of a figure; absent and null are 0, anything else that is no plain
// number of tokens makes all figures bad.
func (f *figures) either(body []byte, spans ...jsonscan.Field) (n int64, ok bool) {
	for _, span := range spans {
		if !span.Found() || jsonscan.IsNull(body, span) {
			continue
		}
		n, err := jsonscan.Int(body, span)
		if err != nil { // some servers write integers as fractions
			n, err = jsondoc.Value{Raw: span.In(body)}.Int()
		}
		if err != nil || n < 0 || n > maxTokens {
			f.bad = true
		}
		return n, true
	}
	return 0, false
}

func first(body []byte, spans ...jsonscan.Field) []byte {
	for _, span := range spans {
		if value := span.In(body); isObject(value) {
			return value
		}
	}
	return nil
}

func (f *figures) details(object []byte, spans *[numDetailKeys]jsonscan.Field) bool {
	if object == nil {
		return false
	}
	_, _, err := detailKeys.Scan(object, spans[:])
	f.bad = f.bad || err != nil
	return err == nil
}

func (f *figures) inputDetails(object []byte) {
	var d [numDetailKeys]jsonscan.Field
	if !f.details(object, &d) {
		return
	}
	f.cached, _ = f.either(object, d[dCached])
	f.written, _ = f.either(object, d[dCacheWrite], d[dCacheCreation])
	f.audioIn, _ = f.either(object, d[dAudio])
	f.imageIn, _ = f.either(object, d[dImage])
}

func (f *figures) outputDetails(object []byte) {
	var d [numDetailKeys]jsonscan.Field
	if !f.details(object, &d) {
		return
	}
	f.reasoning, _ = f.either(object, d[dReasoning])
	f.audioOut, _ = f.either(object, d[dAudio])
	f.imageOut, f.hasImageOut = f.either(object, d[dImage])
}

// plausible checks the figures against each other, and adds reasoning to an output that leaves it out.
func (f *figures) plausible(kind inference.Kind) bool {
	if f.bad || !f.hasInput || !f.hasOutput && kind != inference.Embeddings && kind != inference.Rerank {
		return false
	}
	if f.input == 0 && f.output == 0 { // a place-holder: no call takes nothing
		return false
	}
	if f.hasTotal && f.total > 0 {
		hidden := f.total - f.input - f.output
		if hidden < 0 || hidden > 0 && f.reasoning != 0 && f.reasoning != hidden {
			return false
		}
		if hidden > 0 {
			f.reasoning = hidden
			f.output += hidden
		}
	}
	return f.cached+f.written <= f.input && f.audioIn <= f.input && f.imageIn <= f.input &&
		f.reasoning <= f.output && f.audioOut <= f.output && f.imageOut <= f.output
}

// split gives each token to one resource. Where a provider counts one token as, say, both cached and audio, the first of
// cached, written, audio, image has it; text has what is left.
func (f *figures) split(kind inference.Kind) inference.Usage {
	var u inference.Usage
	left := f.input
	take := func(r inference.Resource, n int64) {
		n = min(n, left)
		u.Quantities[r], left = n, left-n
	}
	take(inference.TextInputCached, f.cached)
	take(inference.TextCacheWrite, f.written)
	take(inference.AudioInput, f.audioIn)
	take(inference.ImageInput, f.imageIn)
	take(inference.TextInput, left)
	left = f.output
	take(inference.TextReasoning, f.reasoning)
	take(inference.AudioOutput, f.audioOut)
	if !f.hasImageOut && (kind == inference.ImageGenerations || kind == inference.ImageEdits || kind == inference.ImageVariations) {
		f.imageOut = left // these answers are pictures
	}
	take(inference.ImageOutput, f.imageOut)
	take(inference.TextOutput, left)
	return u
}
