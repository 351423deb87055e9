package openai

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// The members of a request that have a meaning here.
const (
	askModel = iota
	askStream
	askStreamOptions
	askInstructions
	askInput
	askPrompt
	askPrevious
	askConversation
	askMaxOutput
	askTemperature
	askTopP
	askTopLogprobs
	askParallel
	askTools
	askToolChoice
	askText
	askReasoning
	askInclude
	askStore
	askMetadata
	askServiceTier
	askUser
	askSafety
	askCacheKey
	askBackground
	askTruncation
	askRunMode
	numAsks
)

var (
	askNames = [numAsks]string{
		"model", "stream", "stream_options", "instructions", "input", "prompt", "previous_response_id", "conversation",
		"max_output_tokens", "temperature", "top_p", "top_logprobs", "parallel_tool_calls", "tools", "tool_choice", "text",
		"reasoning", "include", "store", "metadata", "service_tier", "user", "safety_identifier", "prompt_cache_key", "background",
		"truncation", "runMode",
	}
	askKeys  = jsonscan.NewKeys(askNames[:]...)
	askKnown = nameSet(askNames[:])
)

// promptReader reads one request.
type promptReader struct {
	responseReader

	body   []byte
	spans  [numAsks]jsonscan.Field
	prompt inference.Prompt
	// talking says that the conversation has begun, so that what a system says is no longer a preface to it.
	talking bool
	// calls are the names of tools by the ids of their calls.
	calls map[string]string
}

// DecodeRequest reads a request. The error is a *fault.Error with the path of the field, in the package's words.
func (responsesCodec) DecodeRequest(body []byte) (*inference.Prompt, error) {
	r := promptReader{body: body}
	if _, _, err := askKeys.Scan(body, r.spans[:]); err != nil {
		return nil, requestFault(scanError(err))
	}
	r.readOptions()
	r.readState()
	r.readOutput()
	r.readTools()
	r.readChoice()
	r.readSystem()
	r.readInput()
	r.others(body, askKnown, "")
	if r.err != nil {
		return nil, requestFault(r.err)
	}
	r.prompt.Rest = r.rest
	return &r.prompt, nil
}

func (r *promptReader) of(member int) []byte { return r.spans[member].In(r.body) }

func (r *promptReader) texts(member int) string { return r.text(r.of(member), "", askNames[member]) }

func (r *promptReader) isOn(member int) bool {
	on := r.flag(r.of(member), askNames[member])
	return on != nil && *on
}

// readOptions reads what concerns the answer as a whole. What says no more than what happens anyway is not kept.
func (r *promptReader) readOptions() {
	p := &r.prompt
	p.Model = r.texts(askModel)
	p.Stream, p.StreamUsage = r.isOn(askStream), true
	p.MaxOutput = r.integer(r.of(askMaxOutput), askNames[askMaxOutput])
	p.Temperature = r.number(r.of(askTemperature), askNames[askTemperature])
	p.TopP = r.number(r.of(askTopP), askNames[askTopP])
	if n := r.integer(r.of(askTopLogprobs), askNames[askTopLogprobs]); n > 0 {
		p.TopLogprobs = &n
	}
	p.ServiceTier = r.texts(askServiceTier)
	p.CacheKey = r.texts(askCacheKey)
	p.User = r.texts(askSafety)
	if user := r.texts(askUser); p.User == "" {
		p.User = user
	} else if user != "" && user != p.User {
		r.keep(askNames[askUser], r.of(askUser))
	}
	if r.isOn(askBackground) {
		r.keep(askNames[askBackground], r.of(askBackground))
	}
	if t := r.texts(askTruncation); t != "" && t != "disabled" {
		r.keep(askNames[askTruncation], r.of(askTruncation))
	}
	if options := r.of(askStreamOptions); isObject(options) {
		r.others(options, streamOptionNames, askNames[askStreamOptions])
	}
}

// streamOptionNames are those that mean nothing behind a gateway: obfuscation pads what an upstream sends.
var streamOptionNames = nameSet([]string{"include_obfuscation"})

var conversationKeys = jsonscan.NewKeys("id")

// readState reads what the upstream or Gantry keeps.
func (r *promptReader) readState() {
	p := &r.prompt
	p.Store = r.flag(r.of(askStore), askNames[askStore])
	p.PreviousID = r.texts(askPrevious)
	if m := r.of(askMetadata); isGiven(m) {
		if !isObject(m) {
			r.fail(invalidType(askNames[askMetadata], "an object"))
		}
		p.Metadata = m
	}
	conversation := r.of(askConversation)
	if !isObject(conversation) {
		p.Conversation = r.texts(askConversation)
		return
	}
	var out [1]jsonscan.Field
	if r.scan(conversationKeys, conversation, out[:], askNames[askConversation]) {
		p.Conversation = r.required(out[0].In(conversation), askNames[askConversation], "id")
	}
}

// readSystem reads the instructions, and the template that only the upstream knows: it is part of what is said.
func (r *promptReader) readSystem() {
	if prompt := r.of(askPrompt); isGiven(prompt) {
		rest := responseRest(askNames[askPrompt], prompt)
		r.prompt.System = append(r.prompt.System, inference.Part{Kind: inference.PartOther, Other: &rest, Path: rest.Path})
	}
	if s := r.texts(askInstructions); s != "" {
		r.prompt.System = append(r.prompt.System, inference.Part{Text: s, Path: askNames[askInstructions]})
	}
}

func (r *promptReader) readInput() {
	input := r.of(askInput)
	switch {
	case !isGiven(input):
		if !r.continues() {
			r.fail(missing("input", "Missing required parameter: 'input'."))
		}
	case input[0] == '"':
		part := inference.Part{Text: r.texts(askInput), Path: "input"}
		r.prompt.Turns = append(r.prompt.Turns, inference.Turn{Path: "input", Parts: []inference.Part{part}})
	case input[0] == '[':
		n := 0
		for it := jsonscan.Elements(input); it.Next() && r.err == nil; n++ {
			r.readTurn(it.Value, indexPath("input", n))
		}
	default:
		r.fail(invalidType("input", "a string or an array"))
	}
}

// continues reports whether the upstream knows of more than the request says.
func (r *promptReader) continues() bool {
	return r.prompt.PreviousID != "" || r.prompt.Conversation != "" || isGiven(r.of(askPrompt))
}
