package openai

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// The formats of requests to write down a recording, in its language or in English. Both come as forms.
var (
	Transcriptions wire.Format = transcriptFormat{kind: inference.Transcriptions, peek: PeekTranscription}
	Translations   wire.Format = transcriptFormat{kind: inference.Translations, peek: PeekTranslation}
)

type transcriptFormat struct {
	plainFormat

	kind inference.Kind
	peek func([]byte) (TranscriptFacts, error)
}

// Kind returns the operation.
func (f transcriptFormat) Kind() inference.Kind { return f.kind }

// textPerSecond is the most tokens that a second of talk has when it is written down.
const textPerSecond = 12

// Peek reads a request.
func (f transcriptFormat) Peek(body []byte) (wire.Ask, error) {
	facts, err := f.peek(body)
	if err != nil {
		return wire.Ask{Model: facts.Model}, requestFault(err)
	}
	a := wire.Ask{
		Model: facts.Model, Stream: facts.Stream, Choices: 1, StickyKey: facts.User, Simulation: facts.SimulationMode,
		ServiceClass: facts.ServiceTier, FormatFacts: &facts, Seconds: facts.Seconds, SecondsBound: facts.Bound,
		InputBound:  BoundTokens(len(facts.Prompt)) + facts.Seconds*mostAudioTokens,
		OutputBound: facts.Seconds*textPerSecond + boundOverhead, Dimensions: map[string]string{},
	}
	for name, value := range map[string]string{"language": facts.Language, "response_format": facts.Format} {
		if value != "" {
			a.Dimensions[name] = value
		}
	}
	return a, nil
}

// FromForm turns a form into JSON.
func (transcriptFormat) FromForm(body []byte, boundary string) ([]byte, error) {
	out, err := SoundForm(body, boundary)
	if err != nil {
		return nil, requestFault(err)
	}
	return out, nil
}

func transcriptFacts(a *wire.Ask) *TranscriptFacts {
	return a.FormatFacts.(*TranscriptFacts) //nolint:forcetypeassert // what Peek stored
}

// InputTokens estimates the prompt and the recording.
func (transcriptFormat) InputTokens(_ []byte, a *wire.Ask) int64 {
	f := transcriptFacts(a)
	return EstimateTokens([]byte(f.Prompt)) + f.likely()*heardTokens
}

// CountInput counts the prompt by a model's vocabulary; the recording counts as in InputTokens.
func (transcriptFormat) CountInput(_ []byte, a *wire.Ask, family tokens.Family) int64 {
	f := transcriptFacts(a)
	return tokens.Count(family, f.Prompt) + f.likely()*heardTokens
}

// CountAnswer returns nothing: answers are metered with their request.
func (transcriptFormat) CountAnswer([]byte, tokens.Family) int64 { return 0 }

// Text returns the prompt: what the recording says is not known yet.
func (transcriptFormat) Text(_ []byte, a *wire.Ask, limit int) string {
	return beginning(transcriptFacts(a).Prompt, limit)
}

// Answer takes no answers: what one is depends on the request.
func (transcriptFormat) Answer([]byte) (wire.Metered, bool) { return wire.Metered{}, false }

var transcriptAnswerKeys = jsonscan.NewKeys("text", "segments", "duration", "usage", "error")

const (
	saidText = iota
	saidSegments
	saidDuration
	saidUsage
	saidError
	numTranscriptAnswerKeys
)

// AnswerTo takes an object with a text, or a plain text where that was asked for.
func (f transcriptFormat) AnswerTo(a *wire.Ask, body []byte) (wire.Metered, bool) {
	var out [numTranscriptAnswerKeys]jsonscan.Field
	if _, _, err := transcriptAnswerKeys.Scan(body, out[:]); err != nil {
		m := f.heard(a, heard{text: body})
		return m, !wantsObject(transcriptFacts(a).Format) && utf8.Valid(body) && !isErrorAnswer(body)
	}
	if out[saidError].Found() && !jsonscan.IsNull(body, out[saidError]) {
		return wire.Metered{}, false
	}
	h := heard{text: unquoted(out[saidText].In(body))}
	h.usage, h.told = readTranscriptUsage(f.kind, out[saidUsage].In(body))
	if h.usage.Quantities[inference.AudioSecond] == 0 {
		h.usage.Quantities[inference.AudioSecond] = begunSeconds(string(bytes.Trim(out[saidDuration].In(body), `"`)))
	}
	return f.heard(a, h), out[saidText].Found() || out[saidSegments].Found()
}

func wantsObject(format string) bool { return format == "" || strings.HasSuffix(format, "json") }

// ContentType is the upstream's where it is one of those that transcripts have, or else what was asked for.
func (transcriptFormat) ContentType(a *wire.Ask, upstream string) string {
	kind, _, _ := strings.Cut(strings.ToLower(upstream), ";")
	format := transcriptFacts(a).Format
	switch kind = strings.TrimSpace(kind); {
	case kind == "application/json" || kind == "" && wantsObject(format):
		return "application/json"
	case kind == "text/vtt" || kind == "application/x-subrip":
		return kind + "; charset=utf-8"
	case wantsObject(format):
		return "application/json"
	}
	return "text/plain; charset=utf-8"
}

// heard is what is known of a transcript.
type heard struct {
	usage inference.Usage // what the upstream told; seconds may be among it or not
	told  bool            // tokens are
	text  []byte
}

// heard is what a transcript took. Seconds are those that the upstream tells, or else the recording's own.
func (f transcriptFormat) heard(a *wire.Ask, h heard) wire.Metered {
	facts, u := transcriptFacts(a), h.usage
	var guessed inference.Resources
	if u.Quantities[inference.AudioSecond] == 0 {
		u.Quantities[inference.AudioSecond] = facts.likely()
		if facts.Bound {
			guessed = inference.ResourcesOf(inference.AudioSecond)
		}
	}
	if !h.told {
		u.Quantities[inference.TextInput] = EstimateTokens([]byte(facts.Prompt))
		u.Quantities[inference.AudioInput] = u.Quantities[inference.AudioSecond] * heardTokens
		u.Quantities[inference.TextOutput] = EstimateTokens(h.text)
		guessed |= inference.ResourcesOf(inference.TextInput, inference.AudioInput, inference.TextOutput)
	}
	return wire.Metered{Usage: u, Known: true, Guessed: guessed}
}

var transcriptUsageKeys = jsonscan.NewKeys("seconds")

// readTranscriptUsage reads usage by duration, or by tokens; told says that it was the latter.
func readTranscriptUsage(kind inference.Kind, object []byte) (u inference.Usage, told bool) {
	if !isObject(object) {
		return u, false
	}
	var out [1]jsonscan.Field
	if _, _, err := transcriptUsageKeys.Scan(object, out[:]); err != nil {
		return u, false
	}
	if out[0].Found() {
		u.Quantities[inference.AudioSecond] = begunSeconds(string(out[0].In(object)))
		return u, false
	}
	return readUsage(kind, object)
}

// longestHeard is more seconds than anybody is believed to have listened to.
const longestHeard = 24 * 3600

// begunSeconds reads a number of seconds, begun ones counted whole; 0 for what is none, or is not believed.
func begunSeconds(text string) int64 {
	whole, fraction, _ := strings.Cut(text, ".")
	n, err := jsonscan.Int([]byte(whole), jsonscan.Field{End: len(whole)})
	if err != nil || !isDecimal(text) || n < 0 || n >= longestHeard {
		return 0
	}
	if strings.Trim(fraction, "0") != "" {
		n++
	}
	return n
}

// Meter returns a meter for a stream of events with text in them.
func (f transcriptFormat) Meter(o wire.MeterOptions) wire.Meter {
	return newEventMeter(transcriptEvents, o)
}

var (
	_ wire.Answerer = transcriptFormat{}
	_ wire.Former   = transcriptFormat{}
	_ wire.Counting = transcriptFormat{}
	_ wire.Texter   = transcriptFormat{}
)
