package openai

import (
	"bytes"
	"encoding/base64"
	"time"

	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/sound"
)

// TranscriptFacts is what is peeked of a request to write down a recording. Texts that were absent or null are empty.
type TranscriptFacts struct {
	Facts

	Prompt   string
	Language string
	Format   string
	// Type is the media type of the recording, as its first bytes tell it; Data is base64 as it stands in the request.
	Type string
	Data []byte
	// Seconds is how long it lasts, begun ones counted whole. Bound says that it is only the most that it can last.
	Seconds int64
	Bound   bool
}

var transcriptKeys = jsonscan.NewKeys("file", "prompt", "language", "response_format")

const (
	inFile = iota
	inPrompt
	inLanguage
	inShape
	numTranscriptKeys
)

// PeekTranscription reads a request to write down a recording, which is in it as a data URL. The error is a *RequestError.
func PeekTranscription(body []byte) (TranscriptFacts, error) {
	return peekTranscript(body, (*TranscriptFacts).readStream)
}

// PeekTranslation reads a request to write down a recording in English; it has no stream. The error is a *RequestError.
func PeekTranslation(body []byte) (TranscriptFacts, error) {
	return peekTranscript(body, func(*TranscriptFacts, []byte) error { return nil })
}

func peekTranscript(body []byte, stream func(*TranscriptFacts, []byte) error) (TranscriptFacts, error) {
	var f TranscriptFacts
	var own [numTranscriptKeys]jsonscan.Field
	err := f.scan(body)
	if err == nil {
		if _, _, err = transcriptKeys.Scan(body, own[:]); err != nil {
			err = scanError(err)
		}
	}
	for _, read := range [...]func() error{
		func() error { return f.readModel(body) },
		func() error { return f.readRecording(body, own[inFile]) },
		func() (err error) { f.Prompt, err = text(body, own[inPrompt], "prompt", MaxPromptBytes); return err },
		func() (err error) { f.Language, err = word(body, own[inLanguage], "language"); return err },
		func() (err error) { f.Format, err = word(body, own[inShape], "response_format"); return err },
		func() error { return stream(&f, body) },
		func() error { return f.readTexts(body) },
	} {
		if err == nil {
			err = read()
		}
	}
	f.N = 1
	return f, err
}

// readRecording reads the recording and how long it lasts. What it is called counts for nothing, and what it is said to be must
// be what it is.
func (f *TranscriptFacts) readRecording(body []byte, span jsonscan.Field) error {
	if !span.Found() || jsonscan.IsNull(body, span) {
		return missing("file", "Missing required parameter: 'file'.")
	}
	text, ok := bytes.CutPrefix(unquoted(span.In(body)), []byte("data:"))
	_, data, found := bytes.Cut(text, []byte(";base64,"))
	if !ok || !found || len(data) == 0 || !isBase64(data) {
		return invalidValue("file", "The file is not a valid base64 data URL. Send it as a form.")
	}
	f.Data = data
	content := f.Decode()
	if err := checkSound(content); err != nil {
		return err
	}
	f.Type = sound.Type(content)
	d, known := sound.Duration(content)
	if !known {
		d, f.Bound = sound.Longest(len(content)), true
	}
	f.Seconds = begun(d)
	return nil
}

// Decode returns the recording itself.
func (f *TranscriptFacts) Decode() []byte {
	in := MediaInput{Data: f.Data}
	return in.Decode()
}

// size is how many bytes the recording has.
func (f *TranscriptFacts) size() int { return base64.StdEncoding.DecodedLen(len(f.Data)) }

// usualRate is what of a recording makes a second whose length cannot be told, in bytes.
const usualRate = 2_000

// likely is how long the recording lasts, or else what its size suggests.
func (f *TranscriptFacts) likely() int64 {
	if !f.Bound {
		return f.Seconds
	}
	return min(f.Seconds, begun(time.Duration(f.size())*time.Second/usualRate))
}

// checkSound refuses what is no recording that upstreams take.
func checkSound(content []byte) error {
	switch sound.Type(content) {
	case "", sound.AAC:
		return &RequestError{
			Message: "The file is not a recording in FLAC, MP3, MP4, MPEG, Ogg, WAV or WebM.", Param: "file", Code: CodeFileType,
		}
	}
	return nil
}
