package fakeopenai

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// chatRequest is a checked request.
type chatRequest struct {
	model        string // without a fault
	asked        string // as it was written
	stream       bool
	includeUsage bool
	n            int
	limit        int // tokens; 0: none
	tools        []string
	forced       string // the function that must be called
	mustCall     bool
	mayCall      bool
	parallel     bool
	format       map[string]any
	prompt       string
	last         string
	lastRole     string
	tier         string
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	e := w.(*exchange) //nolint:forcetypeassert // ServeHTTP made it
	p, fault := decode(e.body, chatParams)
	var c *chatRequest
	var step Step
	if fault == nil {
		c, step, fault = s.checkChat(p)
	}
	if fault != nil {
		fault.write(w)
		return
	}
	if e.obey(step, c.stream) {
		return
	}
	a := s.answer(c, step)
	if c.stream {
		e.sendStream(c, a, step)
		return
	}
	e.sendWhole(a.completion(c, step), step)
}

// checkModel finds the model, as it is named without its fault.
func (s *Server) checkModel(p params) (model, asked string, step Step, fault *apiError) {
	asked, isText := p["model"].(string)
	switch {
	case p["model"] == nil || asked == "" && isText:
		return "", "", step, &apiError{Status: 400, Message: "you must provide a model parameter"}
	case !isText:
		return "", "", step, invalid("model", "invalid_type", "Invalid type for 'model': expected a string.")
	}
	if model, _ = splitModel(asked); !slices.Contains(s.options.Models, model) {
		return "", "", step, &apiError{
			Status: 404, Code: "model_not_found", Message: fmt.Sprintf("The model `%s` does not exist or you do not have access to it.", asked),
		}
	}
	model, step = s.step(asked)
	return model, asked, step, nil
}

func (s *Server) checkChat(p params) (*chatRequest, Step, *apiError) {
	model, asked, step, fault := s.checkModel(p)
	if fault != nil {
		return nil, step, fault
	}
	if strings.HasPrefix(model, "text-embedding") {
		return nil, step, &apiError{Status: 403, Message: "You are not allowed to sample from this model"}
	}
	c := &chatRequest{model: model, asked: asked, tier: "default"}
	if fault := p.checkDeepSeek(model); fault != nil {
		return nil, step, fault
	}
	for _, check := range []func(params) *apiError{c.checkStream, c.checkCounts, c.checkPrompt, c.checkTools} {
		if fault := check(p); fault != nil {
			return nil, step, fault
		}
	}
	if fault := p.checkSampling(model); fault != nil {
		return nil, step, fault
	}
	return c, step, p.checkFormat()
}

func (c *chatRequest) checkStream(p params) (fault *apiError) {
	if c.stream, fault = p.boolean("stream"); fault != nil || p["stream_options"] == nil {
		return fault
	}
	if !c.stream {
		return invalid("stream_options", "invalid_value", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
	}
	options, isObject := p["stream_options"].(map[string]any)
	if !isObject {
		return invalid("stream_options", "invalid_type", "Invalid type for 'stream_options': expected an object.")
	}
	for name := range options {
		if name != "include_usage" && name != "include_obfuscation" {
			return invalid("stream_options."+name, "unknown_parameter", "Unknown parameter: 'stream_options.%s'.", name)
		}
	}
	c.includeUsage, fault = params(options).boolean("include_usage")
	return fault
}

func (c *chatRequest) checkCounts(p params) *apiError {
	c.n = 1
	if n, ok, fault := p.integer("n", 1, 128); fault != nil {
		return fault
	} else if ok {
		c.n = int(n)
	}
	if p["max_tokens"] != nil && p["max_completion_tokens"] != nil {
		return invalid("max_tokens", "invalid_parameter_combination", "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")
	}
	for _, name := range [...]string{"max_tokens", "max_completion_tokens"} {
		if n, ok, fault := p.integer(name, 1, 1<<31-1); fault != nil {
			return fault
		} else if ok {
			c.limit = int(n)
		}
	}
	if tier, ok := p["service_tier"].(string); ok && tier != "auto" {
		c.tier = tier
	}
	return nil
}

func (c *chatRequest) checkPrompt(p params) (fault *apiError) {
	c.prompt, c.last, c.lastRole, fault = p.checkMessages()
	c.format, _ = p["response_format"].(map[string]any)
	return fault
}

func (c *chatRequest) checkTools(p params) (fault *apiError) {
	if c.tools, fault = p.checkTools(); fault != nil || len(c.tools) == 0 {
		return fault
	}
	c.mayCall = true
	c.parallel = p["parallel_tool_calls"] != false
	switch choice := p["tool_choice"].(type) {
	case nil:
	case string:
		c.mayCall, c.mustCall = choice != "none", choice == "required"
		if !slices.Contains([]string{"none", "auto", "required"}, choice) {
			return invalid("tool_choice", "invalid_value", "Invalid value: '%s'. Supported values are: 'none', 'auto', and 'required'.", choice)
		}
	case map[string]any:
		function, _ := choice["function"].(map[string]any)
		c.forced, _ = function["name"].(string)
		if choice["type"] == "function" && !slices.Contains(c.tools, c.forced) {
			return invalid("tool_choice", "", "Tool choice '%s' not found in 'tools' parameter.", c.forced)
		}
		c.mustCall = true
	}
	return nil
}

// calls are the functions that the answer calls: those that the last message names, or must be called.
func (c *chatRequest) calls() []string {
	if !c.mayCall || c.lastRole == "tool" && !c.mustCall {
		return nil
	}
	if c.forced != "" {
		return []string{c.forced}
	}
	var named []string
	for _, name := range c.tools {
		if strings.Contains(c.last, name) {
			named = append(named, name)
		}
	}
	if len(named) == 0 && c.mustCall {
		named = c.tools[:1]
	}
	if len(named) > 1 && !c.parallel {
		named = named[:1]
	}
	return named
}

// arguments are the same for every function, and pass through JSON twice, as real ones do.
func arguments(c *chatRequest) string {
	return string(marshal(map[string]string{"input": c.last}))
}
