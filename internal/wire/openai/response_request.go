package openai

import (
	"bytes"
	"strconv"

	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// unseenContext is how many input tokens a request may have that continues something only the upstream knows: more than any
// model's window.
const unseenContext = 2_000_000

// defaultSearches is how many searches are set aside for a request that allows them without a limit.
const defaultSearches = 16

// ResponseFacts is what is peeked of a request for a response. Texts that were absent or null are empty.
type ResponseFacts struct {
	Facts

	PreviousResponseID string
	// Background says that the response is to be made apart from the call. Store says whether it may be asked for again, and
	// StoreGiven that the request says so.
	Background, Store, StoreGiven bool
	// Searches is how many searches the upstream may make and charge for.
	Searches int64

	response [numResponseKeys]jsonscan.Field
}

const (
	keyInstructions = iota
	keyMaxOutputTokens
	keyPreviousResponse
	keyConversation
	keyStoredPrompt
	keyInBackground
	keyMaxToolCalls
	keyText
	keyStore
	numResponseKeys
)

var (
	responseNames = [numResponseKeys]string{
		"instructions", "max_output_tokens", "previous_response_id", "conversation", "prompt", "background", "max_tool_calls", "text",
		"store",
	}
	responseKeys = jsonscan.NewKeys(responseNames[:]...)
)

// PeekResponses reads the facts of a request for a response. The error is a *RequestError.
func PeekResponses(body []byte) (ResponseFacts, error) {
	var f ResponseFacts
	err := f.scan(body)
	if err == nil {
		if _, _, err = responseKeys.Scan(body, f.response[:]); err != nil {
			err = scanError(err)
		}
	}
	for _, read := range [...]func(*ResponseFacts, []byte) error{
		func(f *ResponseFacts, body []byte) error { return f.readModel(body) },
		func(f *ResponseFacts, body []byte) error { return f.readStream(body) },
		func(f *ResponseFacts, body []byte) error { return f.Facts.readTexts(body) },
		(*ResponseFacts).readPrevious, (*ResponseFacts).readContent, (*ResponseFacts).readLimit,
		(*ResponseFacts).readStore, (*ResponseFacts).readTools,
	} {
		if err == nil {
			err = read(&f, body)
		}
	}
	f.N = 1
	return f, err
}

// of returns the span of a member that is there and not null.
func (f *ResponseFacts) of(body []byte, key int) (jsonscan.Field, bool) {
	span := f.response[key]
	return span, span.Found() && !jsonscan.IsNull(body, span)
}

func (f *ResponseFacts) readPrevious(body []byte) error {
	span, ok := f.of(body, keyPreviousResponse)
	if !ok {
		return nil
	}
	var err error
	if f.PreviousResponseID, err = jsonscan.String(body, span); err != nil {
		return invalidType("previous_response_id", "a string")
	}
	return nil
}

// continues reports whether part of the input is known to the upstream alone.
func (f *ResponseFacts) continues(body []byte) bool {
	for _, key := range [...]int{keyPreviousResponse, keyConversation, keyStoredPrompt} {
		if _, ok := f.of(body, key); ok {
			return true
		}
	}
	return false
}

func (f *ResponseFacts) readContent(body []byte) error {
	if _, ok := f.given(body, keyInput); !ok && f.continues(body) {
		return nil
	}
	if err := f.readInput(body); err != nil {
		return err
	}
	f.Images = bytes.Count(f.spans[keyInput].In(body), []byte("input_image"))
	f.ToolBytes = len(f.spans[keyTools].In(body)) + len(f.response[keyText].In(body)) + len(f.response[keyInstructions].In(body))
	return nil
}

func (f *ResponseFacts) readLimit(body []byte) (err error) {
	if span, ok := f.of(body, keyMaxOutputTokens); ok {
		f.MaxOutput, err = integer(body, span, "max_output_tokens", MaxOutputCap)
	}
	return err
}

// readStore reads whether the response may be asked for again, and whether it is made apart from the call.
func (f *ResponseFacts) readStore(body []byte) (err error) {
	f.Store = true
	if span, ok := f.of(body, keyStore); ok {
		f.StoreGiven = true
		if f.Store, err = jsonscan.Bool(body, span); err != nil {
			return invalidType("store", "a boolean")
		}
	}
	span, ok := f.of(body, keyInBackground)
	if !ok {
		return nil
	}
	if f.Background, err = jsonscan.Bool(body, span); err != nil {
		return invalidType("background", "a boolean")
	}
	if f.Background && !f.Store {
		return invalidValue("store", "A background response is asked for later: 'store' must not be false.")
	}
	return nil
}

var toolKeys = jsonscan.NewKeys("type")

// readTools looks for tools that the upstream runs and charges for besides tokens: searches have a price; for others there
// is none, and what cannot be priced is not passed on.
func (f *ResponseFacts) readTools(body []byte) error {
	span, ok := f.given(body, keyTools)
	if !ok {
		return nil
	}
	tools := span.In(body)
	if tools[0] != '[' {
		return invalidType("tools", "an array of objects")
	}
	searches, n := false, 0
	for it := jsonscan.Elements(tools); it.Next(); n++ {
		var out [1]jsonscan.Field
		if isObject(it.Value) {
			if _, _, err := toolKeys.Scan(it.Value, out[:]); err != nil {
				return scanError(err)
			}
		}
		switch typ := unquoted(out[0].In(it.Value)); {
		case bytes.HasPrefix(typ, []byte("web_search")), string(typ) == "file_search":
			searches = true
		case string(typ) == "code_interpreter", string(typ) == "image_generation", string(typ) == "shell":
			path := "tools[" + strconv.Itoa(n) + "].type"
			return invalidValue(path, "This tool runs at the upstream at a price that is not known here.")
		}
	}
	if searches {
		return f.readSearches(body)
	}
	return nil
}

func (f *ResponseFacts) readSearches(body []byte) (err error) {
	f.Searches = defaultSearches
	if span, ok := f.of(body, keyMaxToolCalls); ok {
		f.Searches, err = integer(body, span, "max_tool_calls", MaxN)
	}
	return err
}
