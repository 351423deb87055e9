package openai

import (
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// RealtimeSession is what an event says of a session, in the protocol's present form or its beta's. What is not said is zero.
type RealtimeSession struct {
	Type  string // "realtime", "transcription"
	Model string
	// Output limits a response.
	Output RealtimeLimit
	// Modalities says what is made: TextOnly, WithAudio.
	Modalities RealtimeModalities
	// Instructions and Tools go into every response; HasInstructions and HasTools say which of the two the event is about.
	Instructions, Tools       RealtimeInput
	HasInstructions, HasTools bool
	// HeardRate and SpokenRate are bytes of a second of sound.
	HeardRate, SpokenRate int64
	// Writes says that what is heard is to be written down, and WritesBy by which model; "": as before. Mute says that it is
	// not to be written down any more.
	Writes, Mute bool
	WritesBy     string

	model, writesBy jsonscan.Field
}

// RealtimeLimit is a limit of output tokens. Tokens is 0 where there is none.
type RealtimeLimit struct {
	Said   bool
	Tokens int64
}

// RealtimeModalities is what a response is made of.
type RealtimeModalities uint8

// The modalities. Spoken responses have text too.
const (
	Unsaid RealtimeModalities = iota
	TextOnly
	WithAudio
)

// Rates of sound, in bytes of a second. Source: the protocol; 24 kHz with 16 bits, and 8 kHz with 8.
const (
	PCMRate  = 48_000
	G711Rate = 8_000
)

const (
	rsType = iota
	rsModel
	rsMax
	rsMaxBeta
	rsModalities
	rsModalitiesBeta
	rsInstructions
	rsTools
	rsAudio
	rsInputFormat
	rsOutputFormat
	rsTranscription
	numSessionKeys
)

var (
	sessionKeys = jsonscan.NewKeys("type", "model", "max_output_tokens", "max_response_output_tokens", "output_modalities",
		"modalities", "instructions", "tools", "audio", "input_audio_format", "output_audio_format", "input_audio_transcription")
	audioKeys       = jsonscan.NewKeys("input", "output")
	soundKeys       = jsonscan.NewKeys("format", "transcription")
	soundFormatKeys = jsonscan.NewKeys("type", "rate")
)

// piece is a part of a text, and where it lies in the whole.
type piece struct {
	text []byte
	at   int
}

func (p piece) of(f jsonscan.Field) piece { return piece{f.In(p.text), p.at + f.Start} }

func (p piece) isObject() bool { return isObject(p.text) }

// span is where the part lies in the whole.
func (p piece) span() jsonscan.Field { return jsonscan.Field{Start: p.at, End: p.at + len(p.text)} }

// PeekRealtimeSession reads a session's description. Codes: invalid_json, duplicate_key, invalid_parameter with the path.
func PeekRealtimeSession(body []byte) (RealtimeSession, error) {
	s, err := readRealtimeSession(piece{text: body})
	if err != nil {
		return s, requestFault(err)
	}
	return s, nil
}

// readRealtimeSession reads the object that p is.
func readRealtimeSession(p piece) (s RealtimeSession, err error) {
	if !p.isObject() {
		return s, invalidType("session", "an object")
	}
	var f [numSessionKeys]jsonscan.Field
	if _, _, err := sessionKeys.Scan(p.text, f[:]); err != nil {
		return s, scanError(err)
	}
	if s.Type, err = text(p.text, f[rsType], "session.type", maxWord); err != nil {
		return s, err
	}
	if s.Model, err = text(p.text, f[rsModel], "session.model", MaxModelBytes); err != nil {
		return s, err
	}
	s.model = p.of(f[rsModel]).span()
	if s.Output, err = readLimit(p.text, either(f[rsMax], f[rsMaxBeta])); err != nil {
		return s, err
	}
	s.Modalities = readModalities(either(f[rsModalities], f[rsModalitiesBeta]).In(p.text))
	s.HasInstructions, s.HasTools = f[rsInstructions].Found(), f[rsTools].Found()
	s.Instructions.add(f[rsInstructions].In(p.text))
	s.Tools.add(f[rsTools].In(p.text))
	s.HeardRate, s.SpokenRate = rateNamed(f[rsInputFormat].In(p.text)), rateNamed(f[rsOutputFormat].In(p.text))
	if f[rsTranscription].Found() {
		if err := s.readTranscription(p.of(f[rsTranscription])); err != nil {
			return s, err
		}
	}
	return s, s.readAudio(p.of(f[rsAudio]))
}

func either(a, b jsonscan.Field) jsonscan.Field {
	if a.Found() {
		return a
	}
	return b
}

// readAudio reads the member "audio" of the present form.
func (s *RealtimeSession) readAudio(p piece) error {
	if !p.isObject() {
		return nil
	}
	var sides [2]jsonscan.Field
	if _, _, err := audioKeys.Scan(p.text, sides[:]); err != nil {
		return scanError(err)
	}
	for i, rate := range [...]*int64{&s.HeardRate, &s.SpokenRate} {
		side := p.of(sides[i])
		if !side.isObject() {
			continue
		}
		var f [2]jsonscan.Field
		if _, _, err := soundKeys.Scan(side.text, f[:]); err != nil {
			return scanError(err)
		}
		if n := rateOf(side.of(f[0]).text); n > 0 {
			*rate = n
		}
		if i == 0 && f[1].Found() {
			if err := s.readTranscription(side.of(f[1])); err != nil {
				return err
			}
		}
	}
	return nil
}

// readTranscription reads whether and by which model what is heard is written down.
func (s *RealtimeSession) readTranscription(p piece) (err error) {
	if s.Writes || s.Mute {
		return &RequestError{Message: "Transcription is set up more than once.", Param: "session.audio.input.transcription", Code: CodeDuplicate}
	}
	if string(p.text) == "null" {
		s.Mute = true
		return nil
	}
	if s.Writes = true; !p.isObject() {
		return invalidType("session.audio.input.transcription", "an object or null")
	}
	var f [1]jsonscan.Field
	if _, _, err := modelKey.Scan(p.text, f[:]); err != nil {
		return scanError(err)
	}
	s.WritesBy, err = text(p.text, f[0], "session.audio.input.transcription.model", MaxModelBytes)
	s.writesBy = p.of(f[0]).span()
	return err
}

// readLimit reads a limit of output tokens: a number, or "inf".
func readLimit(body []byte, f jsonscan.Field) (RealtimeLimit, error) {
	if !f.Found() || jsonscan.IsNull(body, f) {
		return RealtimeLimit{}, nil
	}
	if string(f.In(body)) == `"inf"` {
		return RealtimeLimit{Said: true}, nil
	}
	n, err := jsonscan.Int(body, f)
	if err != nil || n < 1 || n > maxTokens {
		return RealtimeLimit{}, invalidValue("max_output_tokens", "Invalid 'max_output_tokens': expected an integer above 0 or 'inf'.")
	}
	return RealtimeLimit{true, n}, nil
}

func readModalities(value []byte) RealtimeModalities {
	out := Unsaid
	for it := jsonscan.AnyElements(value); it.Next(); {
		if string(it.Value) == `"audio"` {
			return WithAudio
		}
		out = TextOnly
	}
	return out
}

// rateOf is the rate of a format that is an object, or a name.
func rateOf(value []byte) int64 {
	if !isObject(value) {
		return rateNamed(value)
	}
	var f [2]jsonscan.Field
	if _, _, err := soundFormatKeys.Scan(value, f[:]); err != nil {
		return 0
	}
	return rateNamed(f[0].In(value))
}

func rateNamed(name []byte) int64 {
	switch string(name) {
	case `"audio/pcm"`, `"pcm16"`:
		return PCMRate
	case `"audio/pcmu"`, `"audio/pcma"`, `"g711_ulaw"`, `"g711_alaw"`:
		return G711Rate
	}
	return 0
}

// Rename returns the event that the session was read from with other names for its models; "" leaves one as it is.
func (s *RealtimeSession) Rename(event []byte, model, writesBy string) []byte {
	var edits []jsonscan.Edit
	for _, e := range [...]struct {
		at   jsonscan.Field
		name string
	}{{s.model, model}, {s.writesBy, writesBy}} {
		if e.name != "" && e.at.Found() {
			edits = append(edits, jsonscan.Edit{Field: e.at, Text: jsondoc.AppendString(nil, e.name)})
		}
	}
	if len(edits) == 0 {
		return event
	}
	return jsonscan.Apply(nil, event, edits...)
}
