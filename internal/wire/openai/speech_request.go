package openai

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// SpeechFacts is what is peeked of a request to speak a text. Texts that were absent or null are empty.
type SpeechFacts struct {
	Facts

	// Input is what is to be said, Characters how long that is.
	Input        string
	Characters   int64
	Instructions string
	Voice        string
	Format       string
	// Speed is in hundredths; 100 where it was not said.
	Speed int64
}

var speechKeys = jsonscan.NewKeys("input", "voice", "instructions", "response_format", "speed", "stream_format")

const (
	inInput = iota
	inVoice
	inInstructions
	inFormat
	inSpeed
	inStreamFormat
	numSpeechKeys
)

// usualSpeed is 1.00.
const usualSpeed = 100

// PeekSpeech reads a request to speak a text. Stream says that the sound is wanted in events; sound as it is comes piece by piece
// anyway. The error is a *RequestError.
func PeekSpeech(body []byte) (SpeechFacts, error) {
	f := SpeechFacts{Speed: usualSpeed}
	var own [numSpeechKeys]jsonscan.Field
	err := f.scan(body)
	if err == nil {
		if _, _, err = speechKeys.Scan(body, own[:]); err != nil {
			err = scanError(err)
		}
	}
	for _, read := range [...]func() error{
		func() error { return f.readModel(body) },
		func() error { return f.readSaid(body, &own) },
		func() (err error) { f.Voice, err = voice(body, own[inVoice]); return err },
		func() (err error) { f.Format, err = word(body, own[inFormat], "response_format"); return err },
		func() error { return f.readSpeed(body, own[inSpeed]) },
		func() error { return f.readStreamFormat(body, own[inStreamFormat]) },
		func() error { return f.readTexts(body) },
	} {
		if err == nil {
			err = read()
		}
	}
	f.N = 1
	return f, err
}

func (f *SpeechFacts) readSaid(body []byte, own *[numSpeechKeys]jsonscan.Field) (err error) {
	if f.Input, err = text(body, own[inInput], "input", MaxPromptBytes); err != nil {
		return err
	}
	if f.Input == "" {
		return missing("input", "Missing required parameter: 'input'.")
	}
	f.Characters = int64(utf8.RuneCountInString(f.Input))
	f.Instructions, err = text(body, own[inInstructions], "instructions", MaxPromptBytes)
	return err
}

var voiceKey = jsonscan.NewKeys("id")

// voice reads a voice: its name, or an object with its id.
func voice(body []byte, span jsonscan.Field) (string, error) {
	value := span.In(body)
	if !isObject(value) {
		return text(body, span, "voice", MaxModelBytes)
	}
	var out [1]jsonscan.Field
	if _, _, err := voiceKey.Scan(value, out[:]); err != nil {
		return "", scanError(err)
	}
	return text(value, out[0], "voice.id", MaxModelBytes)
}

func (f *SpeechFacts) readSpeed(body []byte, span jsonscan.Field) error {
	if !span.Found() || jsonscan.IsNull(body, span) {
		return nil
	}
	speed, err := hundredths(string(span.In(body)))
	if err != nil || speed < 25 || speed > 400 {
		return invalidValue("speed", "Invalid 'speed': expected a number from 0.25 to 4.")
	}
	f.Speed = speed
	return nil
}

var errNumber = errors.New("openai: not a plain number")

// hundredths reads a number without an exponent; what is less than a hundredth is left out.
func hundredths(text string) (int64, error) {
	if !isDecimal(text) {
		return 0, errNumber
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if fraction += "00"; len(whole) > 6 {
		return 0, errNumber
	}
	return strconv.ParseInt(whole+fraction[:2], 10, 64)
}

func (f *SpeechFacts) readStreamFormat(body []byte, span jsonscan.Field) error {
	format, err := word(body, span, "stream_format")
	switch {
	case err != nil:
		return err
	case format != "" && format != "audio" && format != "sse":
		return invalidValue("stream_format", "Invalid 'stream_format': expected audio or sse.")
	}
	f.Stream = format == "sse"
	return nil
}
