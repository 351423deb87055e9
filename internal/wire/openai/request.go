// Package openai reads and writes the OpenAI formats: what routing and pricing must know of a request, byte-exact
// changes of it, usage, stream metering, errors and lists. Source: the provider sheet "openai", sections 0 to 3.
package openai

import (
	"bytes"
	"errors"
	"strings"

	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// Limits of what a request may ask for.
const (
	MaxModelBytes = 256
	MaxOutputCap  = 10_000_000
	MaxN          = 128
)

// Facts is what is peeked of a request. Texts that were absent or null are empty.
type Facts struct {
	Model string
	// Stream says that the answer is wanted as events; IncludeUsage that the caller asked for the usage chunk.
	Stream       bool
	IncludeUsage bool
	// MaxOutput is max_completion_tokens, else max_tokens; 0 when the caller set no cap.
	MaxOutput int64
	// N is the number of answers, 1 when not given.
	N int64
	// MessageBytes, ToolBytes and InputBytes are the lengths of messages, of tools with the other members that become
	// part of the prompt, and of an embedding's input, as written.
	MessageBytes int
	ToolBytes    int
	InputBytes   int
	// Images is how many image addresses messages may hold, counted generously: an image costs more than its address.
	Images         int
	User           string
	PromptCacheKey string
	ServiceTier    string
	// SimulationMode says that runMode is "simulation".
	SimulationMode bool

	said     Count // of a moderation's input
	inputs   int64 // that are read apart; 0 is one
	insertAt int
	spans    [numKeys]jsonscan.Field
	options  streamOptions
}

// The wanted keys, in the order of their names below.
const (
	keyModel = iota
	keyMessages
	keyInput
	keyStream
	keyStreamOptions
	keyMaxCompletionTokens
	keyMaxTokens
	keyN
	keyUser
	keyPromptCacheKey
	keyServiceTier
	keyRunMode
	keyTools
	keyFunctions
	keyResponseFormat
	numKeys
)

var keyNames = [numKeys]string{
	"model", "messages", "input", "stream", "stream_options", "max_completion_tokens", "max_tokens", "n", "user",
	"prompt_cache_key", "service_tier", "runMode", "tools", "functions", "response_format",
}

var (
	requestKeys = jsonscan.NewKeys(keyNames[:]...)
	optionKeys  = jsonscan.NewKeys("include_usage")
)

// streamOptions is where stream_options can be changed.
type streamOptions struct {
	members  int
	insertAt int // absolute; 0 when it is no object
	include  jsonscan.Field
}

// PeekChat reads the facts of a chat completion request. The error is a *RequestError.
func PeekChat(body []byte) (Facts, error) {
	var f Facts
	err := f.scan(body)
	if err == nil {
		err = f.readModel(body)
	}
	if err == nil {
		err = f.readMessages(body)
	}
	if err == nil {
		err = f.readStream(body)
	}
	if err == nil {
		err = f.readStreamOptions(body)
	}
	if err == nil {
		err = f.readCap(body)
	}
	if err == nil {
		err = f.readN(body)
	}
	if err == nil {
		err = f.readTexts(body)
	}
	return f, err
}

// PeekEmbeddings reads the facts of an embeddings request. The error is a *RequestError.
func PeekEmbeddings(body []byte) (Facts, error) {
	var f Facts
	err := f.scan(body)
	if err == nil {
		err = f.readModel(body)
	}
	if err == nil {
		err = f.readBatch(body)
	}
	if err == nil {
		err = f.readVectors(body)
	}
	if err == nil {
		err = f.readTexts(body)
	}
	f.N = 1
	return f, err
}

func (f *Facts) scan(body []byte) (err error) {
	_, f.insertAt, err = requestKeys.Scan(body, f.spans[:])
	switch {
	case err == nil:
		return nil
	case string(bytes.TrimSpace(body)) == "null":
		return missing("model", "The request body is null.")
	}
	return scanError(err)
}

// given returns the span of a member that is there and not null.
func (f *Facts) given(body []byte, key int) (jsonscan.Field, bool) {
	span := f.spans[key]
	return span, span.Found() && !jsonscan.IsNull(body, span)
}

func (f *Facts) readModel(body []byte) error {
	span, ok := f.given(body, keyModel)
	if !ok {
		return missing("model", "you must provide a model parameter")
	}
	model, err := jsonscan.String(body, span)
	switch {
	case errors.Is(err, jsonscan.ErrType):
		return invalidType("model", "a string")
	case err != nil:
		return invalidValue("model", "The model is not valid text.")
	case model == "":
		return missing("model", "you must provide a model parameter")
	case len(model) > MaxModelBytes:
		return &RequestError{Message: "Invalid 'model': string too long.", Param: "model", Code: "string_above_max_length"}
	}
	f.Model = model
	return nil
}

func (f *Facts) readMessages(body []byte) error {
	span, ok := f.given(body, keyMessages)
	if !ok {
		return missing("messages", "Missing required parameter: 'messages'.")
	}
	text := span.In(body)
	if text[0] != '[' {
		return invalidType("messages", "an array of objects")
	}
	if emptyArray(text) {
		return &RequestError{
			Message: "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
			Param:   "messages", Code: "empty_array",
		}
	}
	f.MessageBytes, f.Images = len(text), countImages(text)
	for _, key := range [...]int{keyTools, keyFunctions, keyResponseFormat} {
		f.ToolBytes += len(f.spans[key].In(body))
	}
	return nil
}

func (f *Facts) readInput(body []byte) error {
	span, ok := f.given(body, keyInput)
	if !ok {
		return missing("input", "Missing required parameter: 'input'.")
	}
	text := span.In(body)
	if text[0] != '"' && text[0] != '[' {
		return invalidType("input", "a string or an array")
	}
	if string(text) == `""` || emptyArray(text) {
		return invalidValue("input", "'input' cannot be empty.")
	}
	f.InputBytes = len(text)
	return nil
}

// readBatch reads what is to be embedded.
func (f *Facts) readBatch(body []byte) error {
	err := f.readInput(body)
	if err == nil {
		f.inputs, err = countInputs(f.spans[keyInput].In(body), "input", false)
	}
	return err
}

var embeddingKeys = jsonscan.NewKeys("dimensions", "encoding_format")

// maxDimensions is more than any model's vectors have.
const maxDimensions = 65_536

// readVectors reads how the vectors are wanted.
func (f *Facts) readVectors(body []byte) error {
	var out [2]jsonscan.Field
	if _, _, err := embeddingKeys.Scan(body, out[:]); err != nil {
		return scanError(err)
	}
	if out[0].Found() && !jsonscan.IsNull(body, out[0]) {
		if _, err := integer(body, out[0], "dimensions", maxDimensions); err != nil {
			return err
		}
	}
	switch string(out[1].In(body)) {
	case "", "null", `"float"`, `"base64"`:
		return nil
	}
	return invalidValue("encoding_format", "Invalid 'encoding_format': expected float or base64.")
}

func (f *Facts) readStream(body []byte) error {
	span, ok := f.given(body, keyStream)
	if !ok {
		return nil
	}
	var err error
	if f.Stream, err = jsonscan.Bool(body, span); err != nil {
		return invalidType("stream", "a boolean")
	}
	return nil
}

func (f *Facts) readStreamOptions(body []byte) error {
	span, ok := f.given(body, keyStreamOptions)
	if !ok {
		return nil
	}
	if !f.Stream {
		return &RequestError{
			Message: "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
			Param:   "stream_options", Code: "invalid_value",
		}
	}
	var out [1]jsonscan.Field
	members, at, err := optionKeys.Scan(span.In(body), out[:])
	if errors.Is(err, jsonscan.ErrNotObject) {
		return invalidType("stream_options", "an object")
	} else if err != nil {
		return scanError(err)
	}
	f.options = streamOptions{members: members, insertAt: span.Start + at}
	if !out[0].Found() {
		return nil
	}
	f.options.include = jsonscan.Field{Start: span.Start + out[0].Start, End: span.Start + out[0].End}
	return f.readInclude(body)
}

func (f *Facts) readInclude(body []byte) error {
	if jsonscan.IsNull(body, f.options.include) {
		return nil
	}
	var err error
	if f.IncludeUsage, err = jsonscan.Bool(body, f.options.include); err != nil {
		return invalidType("stream_options.include_usage", "a boolean")
	}
	return nil
}

func (f *Facts) readCap(body []byte) error {
	completion, hasCompletion := f.given(body, keyMaxCompletionTokens)
	legacy, hasLegacy := f.given(body, keyMaxTokens)
	var err error
	switch {
	case hasCompletion && hasLegacy:
		// Upstreams differ in which one they obey, so the cap that is paid for could be another than the one in force.
		return &RequestError{
			Message: "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
			Param:   "max_tokens", Code: "invalid_parameter_combination",
		}
	case hasCompletion:
		f.MaxOutput, err = integer(body, completion, "max_completion_tokens", MaxOutputCap)
	case hasLegacy:
		f.MaxOutput, err = integer(body, legacy, "max_tokens", MaxOutputCap)
	}
	return err
}

func (f *Facts) readN(body []byte) error {
	f.N = 1
	span, ok := f.given(body, keyN)
	if !ok {
		return nil
	}
	var err error
	f.N, err = integer(body, span, "n", MaxN)
	return err
}

func (f *Facts) readTexts(body []byte) error {
	var mode string
	for _, t := range [...]struct {
		key int
		to  *string
	}{
		{keyUser, &f.User}, {keyPromptCacheKey, &f.PromptCacheKey}, {keyServiceTier, &f.ServiceTier}, {keyRunMode, &mode},
	} {
		span, ok := f.given(body, t.key)
		if !ok {
			continue
		}
		var err error
		if *t.to, err = jsonscan.String(body, span); err != nil {
			return invalidType(keyNames[t.key], "a string")
		}
	}
	// In any letter case: a slip of the pen must not spend real money.
	f.SimulationMode = strings.EqualFold(mode, "simulation")
	return nil
}

func integer(body []byte, span jsonscan.Field, name string, highest int64) (int64, error) {
	n, err := jsonscan.Int(body, span)
	switch {
	case errors.Is(err, jsonscan.ErrType):
		return 0, invalidType(name, "an integer")
	case err != nil || n < 1 || n > highest:
		return 0, outOfRange(name, highest)
	}
	return n, nil
}

// emptyArray reports whether an array that was scanned has no element.
func emptyArray(text []byte) bool {
	return text[0] == '[' && len(bytes.Trim(text[1:len(text)-1], " \t\r\n")) == 0
}

// countImages counts a part's type and its key of that name as one image.
func countImages(messages []byte) int { return (bytes.Count(messages, []byte("image_url")) + 1) / 2 }
