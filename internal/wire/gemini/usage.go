package gemini

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// maxTokens is the highest figure that is believed.
const maxTokens = 1_000_000_000

const (
	uPrompt = iota
	uCached
	uCandidates
	uThoughts
	uToolUse
	uTotal
	uPromptDetails
	uCacheDetails
	uCandidatesDetails
	uToolUseDetails
	numUsageKeys
)

var usageKeys = jsonscan.NewKeys("promptTokenCount", "cachedContentTokenCount", "candidatesTokenCount", "thoughtsTokenCount",
	"toolUsePromptTokenCount", "totalTokenCount", "promptTokensDetails", "cacheTokensDetails", "candidatesTokensDetails",
	"toolUsePromptTokensDetails")

// Usage takes a usageMetadata object apart so that no token is counted twice and all lines together are the provider's
// total. False means that there is none that can be trusted: a figure is negative, not an integer, above 1e9, or larger than
// the one it is part of. Source: MONEY, section 3, and the provider sheet "translation", "Usage".
//
// The prompt includes what was cached; the input of tools is apart from it; thoughts are apart from the candidates with the
// Gemini API and within them with some versions of Vertex, which the total tells.
func Usage(object []byte) (inference.Usage, bool) {
	var spans [numUsageKeys]jsonscan.Field
	if !isObject(object) {
		return inference.Usage{}, false
	}
	if _, _, err := usageKeys.Scan(object, spans[:]); err != nil {
		return inference.Usage{}, false
	}
	f := figures{}
	f.prompt = f.read(object, spans[uPrompt])
	f.cached = f.read(object, spans[uCached])
	f.candidates = f.read(object, spans[uCandidates])
	f.thoughts = f.read(object, spans[uThoughts])
	f.toolUse = f.read(object, spans[uToolUse])
	f.total = f.read(object, spans[uTotal])
	f.promptBy = f.modalities(spans[uPromptDetails].In(object))
	f.cachedBy = f.modalities(spans[uCacheDetails].In(object))
	f.toolUseBy = f.modalities(spans[uToolUseDetails].In(object))
	f.candidatesBy = f.modalities(spans[uCandidatesDetails].In(object))
	if !f.settle() {
		return inference.Usage{}, false
	}
	return f.split(), true
}

// modality is one of those that have a price of their own.
type modality struct{ audio, image int64 }

// figures are the provider's own.
type figures struct {
	prompt, cached, candidates, thoughts, toolUse, total int64
	promptBy, cachedBy, toolUseBy, candidatesBy          modality
	bad                                                  bool
}

// read returns a figure; absent and null are 0, anything else that is no plain number of tokens makes all figures bad.
func (f *figures) read(body []byte, span jsonscan.Field) int64 {
	if !span.Found() || jsonscan.IsNull(body, span) {
		return 0
	}
	n, err := jsonscan.Int(body, span)
	if err != nil || n < 0 || n > maxTokens {
		f.bad = true
		return 0
	}
	return n
}

var detailKeys = jsonscan.NewKeys("modality", "tokenCount")

// modalities sums up a list of token counts by modality. Video is pictures, documents are read as text.
func (f *figures) modalities(list []byte) (out modality) {
	for it := jsonscan.AnyElements(list); it.Next(); {
		var spans [2]jsonscan.Field
		if _, _, err := detailKeys.Scan(it.Value, spans[:]); err != nil {
			f.bad = true
			return out
		}
		n := f.read(it.Value, spans[1])
		switch string(unquoted(spans[0].In(it.Value))) {
		case "AUDIO":
			out.audio += n
		case "IMAGE", "VIDEO":
			out.image += n
		}
	}
	return out
}

// settle checks the figures against each other. The total decides what the others leave open.
func (f *figures) settle() bool {
	if f.bad || f.cached > f.prompt || f.prompt+f.toolUse+f.candidates+f.thoughts == 0 {
		return false
	}
	if f.total == 0 {
		return true
	}
	if f.toolUse > 0 && f.toolUse <= f.prompt && f.total == f.prompt+f.candidates+f.thoughts {
		f.toolUse = 0 // it is within the prompt
	}
	output := f.total - f.prompt - f.toolUse
	switch {
	case output < 0:
		return false
	case output == f.candidates+f.thoughts:
	case output == f.candidates && f.thoughts <= f.candidates:
		f.candidates -= f.thoughts
	case output > f.candidates: // thoughts that were not told
		f.thoughts = output - f.candidates
	default:
		f.thoughts = min(f.thoughts, output)
		f.candidates = output - f.thoughts
	}
	return true
}

// split gives each token to one resource.
func (f *figures) split() inference.Usage {
	var u inference.Usage
	left := f.prompt + f.toolUse
	take := func(r inference.Resource, n int64) {
		n = min(max(0, n), left)
		u.Quantities[r] += n
		left -= n
	}
	take(inference.TextInputCached, f.cached)
	take(inference.AudioInput, f.promptBy.audio-f.cachedBy.audio+f.toolUseBy.audio)
	take(inference.ImageInput, f.promptBy.image-f.cachedBy.image+f.toolUseBy.image)
	take(inference.TextInput, left)
	left = f.candidates
	take(inference.AudioOutput, f.candidatesBy.audio)
	take(inference.ImageOutput, f.candidatesBy.image)
	take(inference.TextOutput, left)
	u.Quantities[inference.TextReasoning] = f.thoughts
	return u
}
