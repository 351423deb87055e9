package fakeanthropic

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
)

// conversation is what is known of the messages while they are checked.
type conversation struct {
	thinking bool
	open     []string // calls of the last assistant turn that must be answered
	marks    []mark   // of the cache
	all      strings.Builder
	last     string // text of the last user turn
	tail     string // the last block, if it is a text
	// thoughtless is what is wrong with the last assistant turn if results of its calls are all that follows.
	thoughtless *apiError
	role        string
	answers     bool // the last turn brings results of tools
}

// mark is where the prompt is to be cached up to.
type mark struct {
	at   int // length of the prompt before it
	hour bool
}

// checkConversation checks system prompt and messages.
func checkConversation(p params, thinking bool) (*conversation, *apiError) {
	c := &conversation{thinking: thinking}
	if tools, ok := p["tools"].([]any); ok {
		for _, t := range tools {
			c.all.Write(marshal(t))
			if tool, ok := t.(params); ok {
				c.mark(tool)
			}
		}
	}
	if fault := c.system(p["system"]); fault != nil {
		return nil, fault
	}
	messages, isList := p["messages"].([]any)
	switch {
	case p["messages"] == nil:
		return nil, badRequest("messages: Field required")
	case !isList:
		return nil, badRequest("messages: Input should be a valid list")
	case len(messages) == 0:
		return nil, badRequest("messages: at least one message is required")
	}
	for i, m := range messages {
		message, _ := m.(params)
		if fault := c.message(i, message); fault != nil {
			return nil, fault
		}
	}
	return c, c.end()
}

func (c *conversation) system(value any) *apiError {
	switch s := value.(type) {
	case nil:
		return nil
	case string:
		c.all.WriteString(s)
		return nil
	case []any:
		for i, b := range s {
			block, _ := b.(params)
			text, _ := block["text"].(string)
			if block["type"] != "text" {
				return badRequest("system.%d.type: Input should be 'text'", i)
			}
			if strings.TrimSpace(text) == "" {
				return badRequest("system: text content blocks must be non-empty")
			}
			c.all.WriteString(text)
			c.mark(block)
		}
		return nil
	}
	return badRequest("system: Input should be a valid string or list")
}

func (c *conversation) message(i int, m params) *apiError {
	role, _ := m["role"].(string)
	if role != "user" && role != "assistant" {
		return badRequest("messages.%d.role: Input should be 'user' or 'assistant'", i)
	}
	if i == 0 && role != "user" {
		return badRequest("messages: first message must use the \"user\" role")
	}
	for name := range m {
		if name != "role" && name != "content" {
			return badRequest("messages.%d.%s: Extra inputs are not permitted", i, name)
		}
	}
	if role == "assistant" && len(c.open) > 0 {
		return c.unanswered(i)
	}
	if role == "user" {
		c.last, c.answers = "", false
	}
	c.role = role
	return c.content(i, role, m["content"])
}

func (c *conversation) content(i int, role string, value any) *apiError {
	var blocks []any
	switch content := value.(type) {
	case string:
		if strings.TrimSpace(content) == "" {
			return badRequest("messages.%d: user messages must have non-empty content", i)
		}
		blocks = []any{params{"type": "text", "text": content}}
	case []any:
		if len(content) == 0 {
			return badRequest("messages.%d: all messages must have non-empty content except for the optional final assistant message", i)
		}
		blocks = content
	default:
		return badRequest("messages.%d.content: Input should be a valid string or list", i)
	}
	said := false // something other than results of tools came
	for k, b := range blocks {
		block, _ := b.(params)
		if block["type"] == "tool_result" && said && len(c.open) > 0 {
			return badRequest("messages.%d.content.%d: tool_result blocks must come first in the message", i, k)
		}
		said = said || block["type"] != "tool_result"
		if fault := c.block(i, k, role, block); fault != nil {
			return fault
		}
	}
	if role == "user" && len(c.open) > 0 {
		return c.unanswered(i)
	}
	if last, _ := blocks[len(blocks)-1].(params); role == "assistant" && (last["type"] == "thinking" || last["type"] == "redacted_thinking") {
		return badRequest("messages.%d: The final block in an assistant message cannot be `thinking`.", i)
	}
	if role == "assistant" {
		c.thoughtless = c.thinksFirst(i, blocks)
	}
	return nil
}

// thinksFirst checks that a turn that called tools while thinking was on brings its thoughts along.
func (c *conversation) thinksFirst(i int, blocks []any) *apiError {
	first, _ := blocks[0].(params)
	if !c.thinking || len(c.open) == 0 || first["type"] == "thinking" || first["type"] == "redacted_thinking" {
		return nil
	}
	return badRequest("messages.%d.content.0.type: Expected `thinking` or `redacted_thinking`, but found `%v`. When `thinking` is enabled, a final `assistant` message must start with a thinking block.", i, first["type"])
}

func (c *conversation) block(i, k int, role string, block params) *apiError {
	defer c.mark(block)
	c.tail, _ = block["text"].(string)
	switch typ, _ := block["type"].(string); typ {
	case "text":
		text, _ := block["text"].(string)
		if strings.TrimSpace(text) == "" {
			return badRequest("messages: text content blocks must contain non-whitespace text")
		}
		c.all.WriteString(text)
		c.last += text
		return nil
	case "image":
		return c.picture(i, k, block)
	case "document":
		c.all.WriteString(strings.Repeat("page ", 100))
		return nil
	case "tool_use":
		return c.call(i, k, role, block)
	case "tool_result":
		return c.result(i, k, role, block)
	case "thinking":
		thought, _ := block["thinking"].(string)
		if block["signature"] != Signature(thought) {
			return badRequest("messages.%d.content.%d: Invalid `signature` in `thinking` block", i, k)
		}
		return nil
	case "redacted_thinking":
		return nil
	default:
		return badRequest("messages.%d.content.%d: Input tag '%s' found using 'type' does not match any of the expected tags", i, k, typ)
	}
}

// Signature is what the fake signs a thought with, and will take back with it alone.
func Signature(thought string) string {
	sum := sha256.Sum256([]byte("fakeanthropic:" + thought))
	return base64.StdEncoding.EncodeToString(sum[:])
}

var pictureTypes = map[string]bool{"image/jpeg": true, "image/png": true, "image/gif": true, "image/webp": true}

func (c *conversation) picture(i, k int, block params) *apiError {
	source, _ := block["source"].(params)
	switch source["type"] {
	case "url":
		if address, _ := source["url"].(string); !strings.HasPrefix(address, "https://") {
			return badRequest("messages.%d.content.%d.image.source.url: Only HTTPS URLs are supported.", i, k)
		}
	case "base64":
		data, _ := source["data"].(string)
		typ, _ := source["media_type"].(string)
		picture, err := base64.StdEncoding.DecodeString(data)
		if err != nil || !pictureTypes[typ] {
			return badRequest("messages.%d.content.%d.image.source.base64.data: Image format %s not supported", i, k, typ)
		}
		if found := http.DetectContentType(picture); found != typ {
			return badRequest("messages.%d.content.%d.image.source.base64.data: The image was specified using the %s media type, but the image appears to be a %s image", i, k, typ, found)
		}
	default:
		return badRequest("messages.%d.content.%d.image.source: Input tag found using 'type' does not match any of the expected tags: 'base64', 'url'", i, k)
	}
	c.all.WriteString(strings.Repeat("pixel ", 85))
	return nil
}

func (c *conversation) call(i, k int, role string, block params) *apiError {
	id, _ := block["id"].(string)
	name, _ := block["name"].(string)
	switch {
	case role != "assistant":
		return badRequest("messages.%d: `tool_use` blocks can only be in `assistant` messages", i)
	case !toolName.MatchString(id):
		return badRequest("messages.%d.content.%d.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'", i, k)
	case !toolName.MatchString(name):
		return badRequest("messages.%d.content.%d.tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'", i, k)
	}
	if _, isObject := block["input"].(params); !isObject {
		return badRequest("messages.%d.content.%d.tool_use.input: Input should be a valid dictionary", i, k)
	}
	c.open = append(c.open, id)
	c.all.Write(marshal(block["input"]))
	return nil
}

func (c *conversation) result(i, k int, role string, block params) *apiError {
	id, _ := block["tool_use_id"].(string)
	if role != "user" {
		return badRequest("messages.%d: `tool_result` blocks can only be in `user` messages", i)
	}
	for at := range c.open {
		if c.open[at] == id {
			c.open = append(c.open[:at:at], c.open[at+1:]...)
			c.answers = true
			c.all.Write(marshal(block["content"]))
			return nil
		}
	}
	return badRequest("messages.%d.content.%d: unexpected `tool_use_id` found in `tool_result` blocks: %s. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.", i, k, id)
}

func (c *conversation) unanswered(i int) *apiError {
	return badRequest("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s. Each `tool_use` block must have a corresponding `tool_result` block in the next message.", i-1, strings.Join(c.open, ", "))
}

// mark takes note of where the cache is to reach.
func (c *conversation) mark(block params) {
	if control, ok := block["cache_control"].(params); ok {
		c.marks = append(c.marks, mark{c.all.Len(), control["ttl"] == "1h"})
	}
}

// end checks what can only be checked when all was read.
func (c *conversation) end() *apiError {
	switch {
	case c.answers && c.thoughtless != nil:
		return c.thoughtless
	case len(c.open) > 0:
		return badRequest("messages: `tool_use` ids were found without `tool_result` blocks immediately after: %s.", strings.Join(c.open, ", "))
	case len(c.marks) > 4:
		return badRequest("A maximum of 4 blocks with cache_control may be provided. Found %d.", len(c.marks))
	case c.role == "assistant" && c.thinking:
		return badRequest("This model does not support assistant message prefill. The conversation must end with a user message.")
	case c.role == "assistant" && strings.TrimRight(c.tail, " \n\t") != c.tail:
		return badRequest("messages: final assistant content cannot end with trailing whitespace")
	}
	short := false
	for _, m := range c.marks {
		if m.hour && short {
			return badRequest("a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.")
		}
		short = short || !m.hour
	}
	return nil
}

// prefix names what stands before a mark.
func (c *conversation) prefix(m mark) string {
	sum := sha256.Sum256([]byte(c.all.String()[:m.at]))
	return hex.EncodeToString(sum[:])
}
