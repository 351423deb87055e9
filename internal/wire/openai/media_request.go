package openai

import (
	"errors"
	"strconv"

	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// Limits of what a request for media may ask for and bring along.
const (
	MaxImages       = 10     // made by one call
	MaxInputImages  = 16     // given to one call
	MaxPromptBytes  = 128000 // 32,000 characters of four bytes
	MaxVideoSeconds = 600
	MaxVideos       = 4
	// DefaultVideoSeconds is how long a video is whose request does not say.
	DefaultVideoSeconds = 4
	maxWord             = 64 // of size, quality and the like, in bytes
)

// MediaFacts is what is peeked of a request for images or videos. Texts that were absent or null are empty.
type MediaFacts struct {
	Facts

	Prompt                                          string
	Size, Quality, Resolution, AspectRatio, Style   string
	Background, OutputFormat, ResponseFormat, Audio string
	// Seed is the number as it was written; "" when there was none.
	Seed string
	// RemixedFrom is our name of the video that this one is made from; "" for one of its own.
	RemixedFrom string
	// Seconds is how long a video is to be; DefaultVideoSeconds where it was not said.
	Seconds int64
	// Inputs are the pictures that came along, Mask the one that says what of them to change; its zero value is none.
	Inputs []MediaInput
	Mask   MediaInput

	media [numMediaKeys]jsonscan.Field
}

const (
	keyPrompt = iota
	keySize
	keyQuality
	keyResolution
	keyAspectRatio
	keyStyle
	keyBackground
	keyOutputFormat
	keyMediaForm
	keyAudio
	keySeed
	keySeconds
	keyDuration
	keyImages
	keyImage
	keyImageURL
	keyInputReference
	keyMask
	keyRemixedFrom
	numMediaKeys
)

var mediaNames = [numMediaKeys]string{
	"prompt", "size", "quality", "resolution", "aspect_ratio", "style", "background", "output_format", "response_format", "audio",
	"seed", "seconds", "duration", "images", "image", "image_url", "input_reference", "mask", RemixedFrom,
}

// RemixedFrom is the member that names the video which another one is made from. It is for us: upstreams have other names.
const RemixedFrom = "remixed_from_video_id"

var mediaKeys = jsonscan.NewKeys(mediaNames[:]...)

// PeekImages reads a request to generate images. The error is a *RequestError.
func PeekImages(body []byte) (MediaFacts, error) { return peekMedia(body, (*MediaFacts).readImages) }

// PeekEdits reads a request to edit images, which are in it as addresses or as data URLs. The error is a *RequestError.
func PeekEdits(body []byte) (MediaFacts, error) { return peekMedia(body, (*MediaFacts).readEdits) }

// PeekVariations reads a request for variations of one image, which came along. The error is a *RequestError.
func PeekVariations(body []byte) (MediaFacts, error) {
	return peekMedia(body, (*MediaFacts).readVariations)
}

// PeekVideos reads a request to generate videos. The error is a *RequestError.
func PeekVideos(body []byte) (MediaFacts, error) { return peekMedia(body, (*MediaFacts).readVideos) }

func peekMedia(body []byte, own func(*MediaFacts, []byte) error) (MediaFacts, error) {
	var f MediaFacts
	err := f.scan(body)
	if err == nil {
		if _, _, err = mediaKeys.Scan(body, f.media[:]); err != nil {
			err = scanError(err)
		}
	}
	for _, read := range [...]func(*MediaFacts, []byte) error{
		func(f *MediaFacts, body []byte) error { return f.readModel(body) },
		func(f *MediaFacts, body []byte) error { return f.Facts.readTexts(body) },
		(*MediaFacts).readWords, (*MediaFacts).readSeed, own,
	} {
		if err == nil {
			err = read(&f, body)
		}
	}
	return f, err
}

// of returns the span of a member that is there and not null.
func (f *MediaFacts) of(body []byte, key int) (jsonscan.Field, bool) {
	span := f.media[key]
	return span, span.Found() && !jsonscan.IsNull(body, span)
}

func (f *MediaFacts) readPrompt(body []byte) error {
	span, ok := f.of(body, keyPrompt)
	if !ok {
		return missing("prompt", "Missing required parameter: 'prompt'.")
	}
	var err error
	switch f.Prompt, err = jsonscan.String(body, span); {
	case errors.Is(err, jsonscan.ErrType):
		return invalidType("prompt", "a string")
	case err != nil:
		return invalidValue("prompt", "The prompt is not valid text.")
	case f.Prompt == "":
		return missing("prompt", "Missing required parameter: 'prompt'.")
	case len(f.Prompt) > MaxPromptBytes:
		return &RequestError{Message: "Invalid 'prompt': string too long.", Param: "prompt", Code: "string_above_max_length"}
	}
	return nil
}

func (f *MediaFacts) readWords(body []byte) error {
	for _, w := range [...]struct {
		key int
		to  *string
	}{
		{keySize, &f.Size},
		{keyQuality, &f.Quality},
		{keyResolution, &f.Resolution},
		{keyAspectRatio, &f.AspectRatio},
		{keyStyle, &f.Style},
		{keyBackground, &f.Background},
		{keyOutputFormat, &f.OutputFormat},
		{keyMediaForm, &f.ResponseFormat},
		{keyRemixedFrom, &f.RemixedFrom},
	} {
		span, ok := f.of(body, w.key)
		if !ok {
			continue
		}
		text, err := jsonscan.String(body, span)
		if err != nil {
			return invalidType(mediaNames[w.key], "a string")
		}
		if len(text) > maxWord {
			return invalidValue(mediaNames[w.key], "Invalid '"+mediaNames[w.key]+"': string too long.")
		}
		*w.to = text
	}
	if f.ResponseFormat != "" && f.ResponseFormat != "url" && f.ResponseFormat != "b64_json" {
		return invalidValue("response_format", "Invalid 'response_format': expected url or b64_json.")
	}
	return nil
}

func (f *MediaFacts) readSeed(body []byte) error {
	span, ok := f.of(body, keySeed)
	if !ok {
		return nil
	}
	n, err := jsonscan.Int(body, span)
	if err != nil {
		return invalidType("seed", "an integer")
	}
	f.Seed = strconv.FormatInt(n, 10)
	return nil
}

func (f *MediaFacts) readImages(body []byte) error {
	if err := f.readPrompt(body); err != nil {
		return err
	}
	if err := f.readStream(body); err != nil {
		return err
	}
	return f.readCount(body, MaxImages)
}

func (f *MediaFacts) readEdits(body []byte) error {
	if err := f.readImages(body); err != nil {
		return err
	}
	if err := f.readInputs(body); err != nil {
		return err
	}
	if len(f.Inputs) == 0 {
		return missing("images", "Missing required parameter: 'images'.")
	}
	return nil
}

// readVariations takes one picture that came along: there is no other way to send one.
func (f *MediaFacts) readVariations(body []byte) error {
	if err := f.readCount(body, MaxImages); err != nil {
		return err
	}
	if err := f.readInputs(body); err != nil {
		return err
	}
	switch {
	case len(f.Inputs) == 0:
		return missing("image", "Missing required parameter: 'image'.")
	case len(f.Inputs) > 1 || f.Inputs[0].Data == nil || !f.Mask.IsZero():
		return invalidValue("image", "Invalid 'image': one picture is taken, as a file or a data URL.")
	}
	return nil
}

func (f *MediaFacts) readVideos(body []byte) error {
	if err := f.readPrompt(body); err != nil {
		return err
	}
	if err := f.readCount(body, MaxVideos); err != nil {
		return err
	}
	if err := f.readSeconds(body); err != nil {
		return err
	}
	if span, ok := f.of(body, keyAudio); ok {
		on, err := jsonscan.Bool(body, span)
		if err != nil {
			return invalidType("audio", "a boolean")
		}
		f.Audio = strconv.FormatBool(on)
	}
	return f.readInputs(body)
}

// readCount reads n.
func (f *MediaFacts) readCount(body []byte, highest int64) (err error) {
	f.N = 1
	if span, ok := f.given(body, keyN); ok {
		f.N, err = integer(body, span, "n", highest)
	}
	return err
}

// readSeconds reads seconds, which is a text with some and a number with others, or duration.
func (f *MediaFacts) readSeconds(body []byte) error {
	for _, key := range [...]int{keySeconds, keyDuration} {
		span, ok := f.of(body, key)
		if !ok {
			continue
		}
		if body[span.Start] == '"' {
			span = jsonscan.Field{Start: span.Start + 1, End: span.End - 1}
		}
		n, err := integer(body, span, mediaNames[key], MaxVideoSeconds)
		if err != nil {
			return outOfRange(mediaNames[key], MaxVideoSeconds)
		}
		if f.Seconds != 0 && f.Seconds != n {
			return &RequestError{
				Message: "'seconds' and 'duration' are the same thing and must not differ.", Param: "duration",
				Code: "invalid_parameter_combination",
			}
		}
		f.Seconds = n
	}
	if f.Seconds == 0 {
		f.Seconds = DefaultVideoSeconds
	}
	return nil
}
