package openai

import (
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/sound"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// Speech is the format of requests to speak a text: the answer is sound, or events with pieces of it.
var Speech wire.Format = speechFormat{}

// What is supposed of speech that nobody measured. Source for tokens: OpenAI's guide to audio, 50 ms of what is spoken and 100 ms
// of what is heard to a token.
const (
	spokenPerSecond = 15 // characters
	slowestSpoken   = 2  // characters in a second, such as digits and Chinese
	spokenTokens    = 20 // by second
	heardTokens     = 10
	mostAudioTokens = 25
)

type speechFormat struct{ plainFormat }

// Kind returns inference.Speech.
func (speechFormat) Kind() inference.Kind { return inference.Speech }

// Peek reads a request.
func (speechFormat) Peek(body []byte) (wire.Ask, error) {
	f, err := PeekSpeech(body)
	if err != nil {
		return wire.Ask{Model: f.Model}, requestFault(err)
	}
	seconds := (f.Characters/slowestSpoken + 1) * usualSpeed / f.Speed
	a := wire.Ask{
		Model: f.Model, Stream: f.Stream, Choices: 1, InputBound: BoundTokens(len(f.Input) + len(f.Instructions)), StickyKey: f.User,
		Simulation: f.SimulationMode, ServiceClass: f.ServiceTier, FormatFacts: &f, Characters: f.Characters,
		Seconds: seconds + 1, SecondsBound: true, Dimensions: map[string]string{},
	}
	a.OutputBound = a.Seconds * mostAudioTokens
	for name, value := range map[string]string{"voice": f.Voice, "response_format": f.Format} {
		if value != "" {
			a.Dimensions[name] = value
		}
	}
	return a, nil
}

func speechFacts(a *wire.Ask) *SpeechFacts {
	return a.FormatFacts.(*SpeechFacts) //nolint:forcetypeassert // what Peek stored
}

// InputTokens estimates the text and the instructions.
func (speechFormat) InputTokens(_ []byte, a *wire.Ask) int64 {
	f := speechFacts(a)
	return EstimateTokens([]byte(f.Input)) + EstimateTokens([]byte(f.Instructions))
}

// CountInput counts the text and the instructions by a model's vocabulary.
func (speechFormat) CountInput(_ []byte, a *wire.Ask, family tokens.Family) int64 {
	f := speechFacts(a)
	return tokens.Count(family, f.Input) + tokens.Count(family, f.Instructions)
}

// CountAnswer returns nothing: what was made is not text.
func (speechFormat) CountAnswer([]byte, tokens.Family) int64 { return 0 }

// Text returns what is to be said, at most limit bytes of it and the rest of the character in which they end.
func (speechFormat) Text(_ []byte, a *wire.Ask, limit int) string {
	return beginning(speechFacts(a).Input, limit)
}

// Answer takes no answers: what one is depends on the request.
func (speechFormat) Answer([]byte) (wire.Metered, bool) { return wire.Metered{}, false }

// AnswerTo takes any sound.
func (f speechFormat) AnswerTo(a *wire.Ask, body []byte) (wire.Metered, bool) {
	p := f.Passing(a)
	ok := p.Add(body)
	return p.Result(), ok && len(body) > 0
}

// soundTypes are what callers are told of formats whose upstream does not say.
var soundTypes = map[string]string{
	"": sound.MP3, "mp3": sound.MP3, "opus": "audio/opus", "aac": sound.AAC, "flac": sound.FLAC, "wav": sound.WAV, "pcm": "audio/pcm",
}

// ContentType is the upstream's where that is a kind of sound, or else what was asked for.
func (speechFormat) ContentType(a *wire.Ask, upstream string) string {
	if kind, _, _ := strings.Cut(upstream, ";"); strings.HasPrefix(kind, "audio/") && len(kind) <= maxWord {
		return strings.ToLower(strings.TrimSpace(kind))
	}
	if kind := soundTypes[speechFacts(a).Format]; kind != "" {
		return kind
	}
	return "application/octet-stream"
}

// maxHeard is how much of a sound is kept to be measured. It is minutes of anything.
const maxHeard = 16 << 20

// Passing returns a meter for the sound.
func (speechFormat) Passing(a *wire.Ask) wire.Passing {
	return &spokenSound{ask: a, facts: speechFacts(a)}
}

// spokenSound measures sound on its way.
type spokenSound struct {
	ask   *wire.Ask
	facts *SpeechFacts
	heard []byte
	size  int
}

// Add takes the next bytes; an error in place of sound is refused at its beginning.
func (s *spokenSound) Add(b []byte) bool {
	if s.size == 0 && isErrorAnswer(b) {
		return false
	}
	if s.size += len(b); s.size <= maxHeard {
		s.heard = append(s.heard, b...)
	}
	return true
}

// Result counts characters, which are known, and seconds, which nearly always are. Tokens are a guess: nobody tells them.
func (s *spokenSound) Result() wire.Metered {
	u := inference.Usage{}
	guessed := speechFormat{}.asked(s.ask, &u)
	if d, ok := s.duration(); ok {
		u.Quantities[inference.AudioSecond] = begun(d)
		u.Quantities[inference.AudioOutput] = begun(d) * spokenTokens
		guessed &^= inference.ResourcesOf(inference.AudioSecond)
	}
	return wire.Metered{Usage: u, Known: true, Guessed: guessed}
}

// pcmBytes are a second of the protocol's plain samples: 24 kHz, 16 bits, one channel.
const pcmBytes = 48_000

func (s *spokenSound) duration() (time.Duration, bool) {
	switch {
	case s.facts.Format == "pcm":
		return time.Duration(s.size) * time.Second / pcmBytes, true
	case s.size > maxHeard:
		return 0, false
	}
	return sound.Duration(s.heard)
}

// begun counts begun seconds.
func begun(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// asked fills in what a request to speak takes when all of it is spoken, and says what of that is guessed.
func (f speechFormat) asked(a *wire.Ask, u *inference.Usage) inference.Resources {
	facts := speechFacts(a)
	seconds := max(1, (facts.Characters*usualSpeed+spokenPerSecond*facts.Speed-1)/(spokenPerSecond*facts.Speed))
	u.Quantities[inference.Characters] = facts.Characters
	u.Quantities[inference.AudioSecond] = seconds
	u.Quantities[inference.AudioOutput] = seconds * spokenTokens
	u.Quantities[inference.TextInput] = f.InputTokens(nil, a)
	return inference.ResourcesOf(inference.AudioSecond, inference.AudioOutput, inference.TextInput)
}

// Meter returns a meter for a stream of events with sound in them.
func (speechFormat) Meter(o wire.MeterOptions) wire.Meter { return newEventMeter(speechEvents, o) }

// complete is what a whole stream took: the tokens that it tells, and what was asked for.
func (f speechFormat) complete(a *wire.Ask, told inference.Usage, known bool) wire.Metered {
	u := inference.Usage{}
	guessed := f.asked(a, &u)
	if known {
		told.Quantities[inference.Characters] = u.Quantities[inference.Characters]
		told.Quantities[inference.AudioSecond] = u.Quantities[inference.AudioSecond]
		told.Quantities[inference.AudioOutput] += told.Quantities[inference.TextOutput] // what is made is sound
		told.Quantities[inference.TextOutput] = 0
		u, guessed = told, inference.ResourcesOf(inference.AudioSecond)
	}
	return wire.Metered{Usage: u, Known: true, Guessed: guessed}
}

// beginning is a text up to limit bytes and the rest of the character in which they end.
func beginning(s string, limit int) string {
	for i := range s {
		if i >= limit {
			return s[:i]
		}
	}
	return s
}

var (
	_ wire.Passer   = speechFormat{}
	_ wire.Counting = speechFormat{}
	_ wire.Texter   = speechFormat{}
)
