package anthropic

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// Limits of what a request may ask for.
const (
	MaxModelBytes = 256
	MaxTokensCap  = 10_000_000
	MaxMessages   = 100_000
	MaxUserID     = 256
)

// Facts is what is peeked of a request. Texts that were absent or null are empty.
type Facts struct {
	Model     string
	MaxTokens int64
	// Stream says that the answer is wanted as events.
	Stream      bool
	UserID      string // of metadata
	ServiceTier string
	// SimulationMode says that runMode is "simulation".
	SimulationMode bool
	// Tools says that there are tools to call; ServerTools that the upstream runs some of them and reads what they bring.
	Tools, ServerTools bool
	// Searches is how many searches the upstream may make and charge for.
	Searches int64
	// Images and Documents are how many of them the messages may hold, counted generously.
	Images, Documents int
	// PromptBytes is the length, as written, of all that becomes part of the prompt.
	PromptBytes int

	insertAt int
	spans    [numKeys]jsonscan.Field
}

// The wanted keys, in the order of their names below.
const (
	keyModel = iota
	keyMessages
	keySystem
	keyTools
	keyToolChoice
	keyOutputConfig
	keyOutputFormat
	keyMCPServers
	keyMaxTokens
	keyStream
	keyMetadata
	keyServiceTier
	keyRunMode
	numKeys
)

var (
	keyNames = [numKeys]string{
		"model", "messages", "system", "tools", "tool_choice", "output_config", "output_format", "mcp_servers", "max_tokens", "stream",
		"metadata", "service_tier", "runMode",
	}
	requestKeys  = jsonscan.NewKeys(keyNames[:]...)
	metadataKeys = jsonscan.NewKeys("user_id")
)

// Peek reads the facts of a request. counts says that it is one for a count, which needs no output limit. The error is a
// *fault.Error that names the field.
func Peek(body []byte, counts bool) (Facts, error) {
	var f Facts
	for _, read := range [...]func(*Facts, []byte) error{
		(*Facts).scan, (*Facts).readModel, (*Facts).readMessages, (*Facts).readStream, (*Facts).readMetadata, (*Facts).readTexts,
		(*Facts).readTools,
	} {
		if err := read(&f, body); err != nil {
			return f, err
		}
	}
	return f, f.readMaxTokens(body, counts)
}

func (f *Facts) scan(body []byte) (err error) {
	_, f.insertAt, err = requestKeys.Scan(body, f.spans[:])
	return scanFault(err)
}

// given returns the span of a member that is there and not null.
func (f *Facts) given(body []byte, key int) (jsonscan.Field, bool) {
	span := f.spans[key]
	return span, span.Found() && !jsonscan.IsNull(body, span)
}

func (f *Facts) readModel(body []byte) error {
	span, ok := f.given(body, keyModel)
	if !ok {
		return required("model")
	}
	model, err := jsonscan.String(body, span)
	switch {
	case errors.Is(err, jsonscan.ErrType):
		return invalid("model", "Input should be a valid string")
	case err != nil:
		return invalid("model", "Input should be valid text")
	case model == "":
		return invalid("model", "String should have at least 1 character")
	case len(model) > MaxModelBytes:
		return invalid("model", "String should have at most "+strconv.Itoa(MaxModelBytes)+" characters")
	}
	f.Model = model
	return nil
}

func (f *Facts) readMessages(body []byte) error {
	span, ok := f.given(body, keyMessages)
	if !ok {
		return required("messages")
	}
	text := span.In(body)
	switch {
	case text[0] != '[':
		return invalid("messages", "Input should be a valid list")
	case isEmpty(text):
		return invalid("messages", "at least one message is required")
	}
	f.Images, f.Documents = bytes.Count(text, []byte(`"image"`)), bytes.Count(text, []byte(`"document"`))
	for _, key := range [...]int{keyMessages, keySystem, keyTools, keyToolChoice, keyOutputConfig, keyOutputFormat} {
		f.PromptBytes += len(f.spans[key].In(body))
	}
	return nil
}

// isEmpty reports whether an array that was scanned has no element.
func isEmpty(array []byte) bool { return len(bytes.Trim(array[1:len(array)-1], " \t\r\n")) == 0 }

func (f *Facts) readMaxTokens(body []byte, counts bool) error {
	span, ok := f.given(body, keyMaxTokens)
	if !ok {
		if counts {
			return nil
		}
		return required("max_tokens")
	}
	n, err := jsonscan.Int(body, span)
	switch {
	case errors.Is(err, jsonscan.ErrType):
		return invalid("max_tokens", "Input should be a valid integer")
	case err != nil || n < 1 || n > MaxTokensCap:
		return invalid("max_tokens", "Input should be from 1 to "+strconv.Itoa(MaxTokensCap))
	}
	f.MaxTokens = n
	return nil
}

func (f *Facts) readStream(body []byte) (err error) {
	if span, ok := f.given(body, keyStream); ok {
		if f.Stream, err = jsonscan.Bool(body, span); err != nil {
			return invalid("stream", "Input should be a valid boolean")
		}
	}
	return nil
}

// readMetadata takes the user's id, by which a conversation stays where its cache is.
func (f *Facts) readMetadata(body []byte) error {
	span, ok := f.given(body, keyMetadata)
	if !ok {
		return nil
	}
	object := span.In(body)
	if object[0] != '{' {
		return invalid("metadata", "Input should be a valid dictionary")
	}
	var out [1]jsonscan.Field
	if _, _, err := metadataKeys.Scan(object, out[:]); err != nil {
		return scanFault(err)
	}
	if !out[0].Found() || jsonscan.IsNull(object, out[0]) {
		return nil
	}
	var err error
	if f.UserID, err = jsonscan.String(object, out[0]); err != nil || len(f.UserID) > 4*MaxUserID {
		return invalid("metadata.user_id", "Input should be a valid string of at most "+strconv.Itoa(MaxUserID)+" characters")
	}
	return nil
}

func (f *Facts) readTexts(body []byte) error {
	var mode string
	for _, t := range [...]struct {
		key int
		to  *string
	}{{keyServiceTier, &f.ServiceTier}, {keyRunMode, &mode}} {
		span, ok := f.given(body, t.key)
		if !ok {
			continue
		}
		var err error
		if *t.to, err = jsonscan.String(body, span); err != nil {
			return invalid(keyNames[t.key], "Input should be a valid string")
		}
	}
	// In any letter case: a slip of the pen must not spend real money.
	f.SimulationMode = strings.EqualFold(mode, "simulation")
	return nil
}

func (f *Facts) needs() (out wire.Needs) {
	if f.Images > 0 {
		out |= wire.NeedsImages
	}
	if f.Tools {
		out |= wire.NeedsTools
	}
	return out
}

// scanFault words what the scanner says.
func scanFault(err error) error {
	e, ok := errors.AsType[*jsonscan.Error](err)
	switch {
	case err == nil:
		return nil
	case !ok:
		return fault.ErrBadJSON.Because(err)
	case errors.Is(e, jsonscan.ErrDuplicate):
		return errDuplicate.Saying("the field is given more than once").At(e.Key)
	case errors.Is(e, jsonscan.ErrCase):
		return invalid(e.Key, "field names are case-sensitive")
	case errors.Is(e, jsonscan.ErrDepth):
		return errDepth
	}
	return fault.ErrBadJSON.Saying("The request body is not valid JSON: " + e.Err.Error() + " (at byte " + strconv.Itoa(e.Offset) + ").")
}

var (
	errDuplicate = fault.New(400, "duplicate_key", "A field is given more than once.")
	errDepth     = fault.New(400, "json_too_deep", "The request body is nested too deeply.")
)

func required(field string) error { return invalid(field, "Field required") }

func invalid(field, message string) error { return fault.ErrInvalid.Saying(message).At(field) }
