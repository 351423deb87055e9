// Package gemini reads and writes Google's formats for generating content and for embeddings: what routing and pricing must
// know of a request, byte-exact changes of it, usage, stream metering, errors and lists. Names of members come in camel case
// and in snake case, of which Google takes either. Source: the provider sheet "gemini", sections 0 to 2 and 6.
package gemini

import (
	"bytes"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// Limits of what a request may ask for.
const (
	MaxModelBytes = openai.MaxModelBytes
	MaxOutputCap  = openai.MaxOutputCap
	MaxCandidates = 8
)

// Facts is what is peeked of a request to generate content.
type Facts struct {
	// MaxOutput is generationConfig.maxOutputTokens; 0 when the caller set no cap. Candidates is at least 1.
	MaxOutput  int64
	Candidates int64
	// CachedContent names input that only the upstream knows.
	CachedContent string
	// Searches is how many searches the upstream may make and charge for.
	Searches int64
	// Functions says that functions are declared, Fetches that the upstream may read what the request does not hold.
	Functions, Fetches bool
	// Pictures and Files count what the input holds or names besides text, generously.
	Pictures, Files int
	// SimulationMode says that runMode is "simulation".
	SimulationMode bool

	insertAt int
	spans    [numKeys]jsonscan.Field
	config   config
}

// config is where generationConfig can be changed.
type config struct {
	members  int
	insertAt int // absolute; 0 when it is no object
	cap      jsonscan.Field
}

// The wanted keys, in the order of their names below. Where there are two spellings the second follows the first.
const (
	keyContents = iota
	keyModel
	keyRunMode
	keyTools
	keyConfig
	keyConfigSnake
	keySystem
	keySystemSnake
	keyCached
	keyCachedSnake
	keyToolConfig
	keyToolConfigSnake
	numKeys
)

var keyNames = [numKeys]string{
	"contents", "model", "runMode", "tools", "generationConfig", "generation_config", "systemInstruction", "system_instruction",
	"cachedContent", "cached_content", "toolConfig", "tool_config",
}

const (
	cfgCap = iota
	cfgCapSnake
	cfgCandidates
	cfgCandidatesSnake
	numConfigKeys
)

var configNames = [numConfigKeys]string{"maxOutputTokens", "max_output_tokens", "candidateCount", "candidate_count"}

var (
	requestKeys = jsonscan.NewKeys(keyNames[:]...)
	configKeys  = jsonscan.NewKeys(configNames[:]...)
)

// peek reads the facts of a request for a model. The error is a *fault.Error.
func peek(body []byte, model string) (Facts, error) {
	f := Facts{Candidates: 1}
	var err error
	if _, f.insertAt, err = requestKeys.Scan(body, f.spans[:]); err != nil {
		return f, scanFault(err)
	}
	for _, read := range [...]func(*Facts, []byte) error{
		(*Facts).checkSpelling, (*Facts).readContents, (*Facts).readConfig, (*Facts).readTools, (*Facts).readTexts,
	} {
		if err := read(&f, body); err != nil {
			return f, err
		}
	}
	return f, checkModel(body, f.spans[keyModel], model, "model")
}

// given returns the span of a member that is there and not null, under either of its spellings.
func (f *Facts) given(body []byte, key int) (jsonscan.Field, bool) {
	return either(body, f.spans[:], key)
}

func either(body []byte, spans []jsonscan.Field, key int) (jsonscan.Field, bool) {
	for _, span := range spans[key : key+2] {
		if span.Found() && !jsonscan.IsNull(body, span) {
			return span, true
		}
	}
	return jsonscan.Field{}, false
}

// checkSpelling refuses a member that comes under both of its spellings: which one counts would be anybody's guess.
func (f *Facts) checkSpelling([]byte) error {
	return checkSpelling(f.spans[keyConfig:], keyNames[keyConfig:], "")
}

func checkSpelling(spans []jsonscan.Field, names []string, within string) error {
	for i := 0; i+1 < len(spans); i += 2 {
		if spans[i].Found() && spans[i+1].Found() {
			return errDuplicate.Saying("Give '" + names[i] + "' once, in one spelling.").At(within + names[i])
		}
	}
	return nil
}

func (f *Facts) readContents(body []byte) error {
	span := f.spans[keyContents]
	if !span.Found() || jsonscan.IsNull(body, span) {
		return fault.ErrInvalid.Saying("contents is not specified").At("contents")
	}
	text := span.In(body)
	switch {
	case text[0] != '[':
		return fault.ErrInvalid.Saying("'contents' is a list of contents.").At("contents")
	case emptyArray(text):
		return fault.ErrInvalid.Saying("contents is not specified").At("contents")
	}
	// Within a text the quotes of such a name would be escaped.
	f.Files = countNames(text, `"inlineData"`, `"inline_data"`, `"fileData"`, `"file_data"`)
	f.Pictures = min(f.Files, bytes.Count(text, []byte(`"image/`)))
	f.Files -= f.Pictures
	// How long a film or a document is that an address names, only the upstream knows.
	f.Fetches = f.Files > 0 && countNames(text, `"fileData"`, `"file_data"`) > 0
	return nil
}

func countNames(text []byte, names ...string) (n int) {
	for _, name := range names {
		n += bytes.Count(text, []byte(name))
	}
	return n
}

func (f *Facts) readConfig(body []byte) error {
	span, ok := f.given(body, keyConfig)
	if !ok {
		return nil
	}
	object := span.In(body)
	if !isObject(object) {
		return invalidType("generationConfig", "an object")
	}
	var out [numConfigKeys]jsonscan.Field
	members, at, err := configKeys.Scan(object, out[:])
	if err != nil {
		return scanFault(err)
	}
	if err := checkSpelling(out[:], configNames[:], "generationConfig."); err != nil {
		return err
	}
	f.config = config{members: members, insertAt: span.Start + at}
	for _, name := range [...]int{cfgCap, cfgCapSnake} {
		if out[name].Found() {
			f.config.cap = shifted(out[name], span.Start)
		}
	}
	if limit, ok := either(object, out[:], cfgCap); ok {
		if f.MaxOutput, err = integer(object, limit, "generationConfig.maxOutputTokens", MaxOutputCap); err != nil {
			return err
		}
	}
	if n, ok := either(object, out[:], cfgCandidates); ok {
		f.Candidates, err = integer(object, n, "generationConfig.candidateCount", MaxCandidates)
	}
	return err
}

func shifted(f jsonscan.Field, by int) jsonscan.Field {
	return jsonscan.Field{Start: f.Start + by, End: f.End + by}
}

// defaultSearches is how many searches are set aside for a request that allows them: Google takes no limit.
const defaultSearches = 16

// readTools looks for tools that the upstream runs: searches have a price of their own, and what is fetched becomes input.
func (f *Facts) readTools(body []byte) error {
	span := f.spans[keyTools]
	if !span.Found() || jsonscan.IsNull(body, span) {
		return nil
	}
	if span.In(body)[0] != '[' {
		return invalidType("tools", "a list of tools")
	}
	for it := jsonscan.Elements(span.In(body)); it.Next(); {
		for m := jsonscan.AnyMembers(it.Value); m.Next(); {
			f.readTool(string(m.Key), m.Value)
		}
	}
	return nil
}

func (f *Facts) readTool(name string, value []byte) {
	switch plainName(name) {
	case "functiondeclarations":
		f.Functions = f.Functions || len(value) > 0 && value[0] == '[' && !emptyArray(value)
	case "googlesearch", "googlesearchretrieval", "enterprisewebsearch", "googlemaps":
		f.Searches = defaultSearches
	case "urlcontext", "codeexecution", "filesearch", "retrieval":
		f.Fetches = true
	}
}

// plainName is a name without what its spellings differ in. An escaped name is no name that Google knows more than we do:
// the escapes are resolved first.
func plainName(name string) string {
	if strings.IndexByte(name, '\\') >= 0 {
		name = text([]byte(`"` + name + `"`))
	}
	return strings.ToLower(strings.ReplaceAll(name, "_", ""))
}

func (f *Facts) readTexts(body []byte) error {
	if span, ok := f.given(body, keyCached); ok {
		name, err := jsonscan.String(body, span)
		if err != nil {
			return invalidType("cachedContent", "a string")
		}
		f.CachedContent = name
	}
	mode := f.spans[keyRunMode]
	if !mode.Found() || jsonscan.IsNull(body, mode) {
		return nil
	}
	said, err := jsonscan.String(body, mode)
	if err != nil {
		return invalidType("runMode", "a string")
	}
	// In any letter case: a slip of the pen must not spend real money.
	f.SimulationMode = strings.EqualFold(said, "simulation")
	return nil
}

// checkModel holds the model that a body names against the one of the address, which is what was authorised.
func checkModel(body []byte, span jsonscan.Field, model, path string) error {
	if !span.Found() || jsonscan.IsNull(body, span) {
		return nil
	}
	named, err := jsonscan.String(body, span)
	if err != nil {
		return invalidType(path, "a string")
	}
	if strings.TrimPrefix(named, "models/") != model {
		return fault.ErrInvalid.Saying("The model in the body is not the one in the address.").At(path)
	}
	return nil
}
