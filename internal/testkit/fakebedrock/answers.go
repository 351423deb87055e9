package fakebedrock

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"net/http"
)

// exchange is one call on its way to an answer.
type exchange struct {
	w            http.ResponseWriter
	r            *http.Request
	model, fault string
}

// What every answer says, and what it is said to take.
const (
	Answer       = "Hello from Bedrock!"
	inputTokens  = 12
	outputTokens = 5
)

func (c *exchange) answer(operation string) {
	if c.fault == "hang" {
		<-c.r.Context().Done()
		return
	}
	switch operation {
	case "converse":
		reply(c.w, map[string]any{
			"output":     map[string]any{"message": map[string]any{"role": "assistant", "content": []any{map[string]any{"text": Answer}}}},
			"stopReason": "end_turn", "usage": usage, "metrics": map[string]any{"latencyMs": 321},
		})
	case "invoke":
		c.w.Header().Set("X-Amzn-Bedrock-Input-Token-Count", "12")
		c.w.Header().Set("X-Amzn-Bedrock-Output-Token-Count", "5")
		reply(c.w, map[string]any{
			"id": "msg_bdrk_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
			"content": []any{map[string]any{"type": "text", "text": Answer}}, "stop_reason": "end_turn", "stop_sequence": nil,
			"usage": map[string]any{"input_tokens": inputTokens, "output_tokens": outputTokens},
		})
	case "converse-stream":
		c.stream(converseEvents())
	default:
		c.stream(claudeEvents())
	}
}

var usage = map[string]any{"inputTokens": inputTokens, "outputTokens": outputTokens, "totalTokens": inputTokens + outputTokens}

// event is one frame before it is framed.
type event struct {
	kind    string
	payload []byte
}

// words are the pieces in which answers come.
var words = []string{"Hello", " from", " Bedrock!"}

func converseEvents() []event {
	out := []event{{"messageStart", marshal(map[string]any{"role": "assistant", "p": "abc"})}}
	for _, w := range words {
		out = append(out, event{"contentBlockDelta", marshal(map[string]any{"contentBlockIndex": 0, "delta": map[string]any{"text": w}, "p": "abcdef"})})
	}
	return append(
		out, event{"contentBlockStop", marshal(map[string]any{"contentBlockIndex": 0})},
		event{"messageStop", marshal(map[string]any{"stopReason": "end_turn"})},
		event{"metadata", marshal(map[string]any{"usage": usage, "metrics": map[string]any{"latencyMs": 321}})},
	)
}

func claudeEvents() []event {
	var out []event
	add := func(v map[string]any) {
		out = append(out, event{"chunk", marshal(map[string]any{"bytes": base64.StdEncoding.EncodeToString(marshal(v)), "p": "abc"})})
	}
	add(map[string]any{"type": "message_start", "message": map[string]any{
		"id": "msg_bdrk_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929", "content": []any{},
		"stop_reason": nil, "stop_sequence": nil, "usage": map[string]any{"input_tokens": inputTokens, "output_tokens": 1},
	}})
	add(map[string]any{"type": "content_block_start", "index": 0, "content_block": map[string]any{"type": "text", "text": ""}})
	for _, w := range words {
		add(map[string]any{"type": "content_block_delta", "index": 0, "delta": map[string]any{"type": "text_delta", "text": w}})
	}
	add(map[string]any{"type": "content_block_stop", "index": 0})
	add(map[string]any{
		"type": "message_delta", "delta": map[string]any{"stop_reason": "end_turn", "stop_sequence": nil},
		"usage": map[string]any{"output_tokens": outputTokens},
	})
	add(map[string]any{"type": "message_stop", "amazon-bedrock-invocationMetrics": map[string]any{
		"inputTokenCount": inputTokens, "outputTokenCount": outputTokens, "invocationLatency": 321, "firstByteLatency": 123,
	}})
	return out
}

// stream sends frames, each in two writes. Faults come after the second: an exception, an error, half a frame, a wrong
// checksum, or silence.
func (c *exchange) stream(events []event) {
	c.w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	c.w.WriteHeader(http.StatusOK)
	for i, e := range events {
		f := frame(map[string]string{":message-type": "event", ":event-type": e.kind, ":content-type": "application/json"}, e.payload)
		if i == 2 && c.breaks(f) {
			return
		}
		c.send(f[:len(f)/2])
		c.send(f[len(f)/2:])
	}
}

func (c *exchange) send(b []byte) {
	_, _ = c.w.Write(b)
	_ = http.NewResponseController(c.w).Flush()
}

func (c *exchange) breaks(f []byte) bool {
	switch c.fault {
	case "mid-exception":
		c.send(frame(map[string]string{":message-type": "exception", ":exception-type": "throttlingException", ":content-type": "application/json"},
			marshal(map[string]string{"message": "Too many tokens, please wait before trying again."})))
	case "mid-error":
		c.send(frame(map[string]string{":message-type": "error", ":error-code": "InternalError", ":error-message": "An internal error occurred."}, nil))
	case "mid-cut":
		c.send(f[:len(f)-3])
	case "mid-garbled":
		f[len(f)/2] ^= 1
		c.send(f)
	case "mid-hang":
		<-c.r.Context().Done()
	default:
		return false
	}
	return true
}

// frame writes a frame: lengths, headers, payload, and the checksums of both.
func frame(headers map[string]string, payload []byte) []byte {
	var h []byte
	for _, name := range []string{":event-type", ":exception-type", ":error-code", ":error-message", ":content-type", ":message-type"} {
		if value, ok := headers[name]; ok {
			h = append(append(h, byte(len(name))), name...)
			h = append(h, 7, byte(len(value)>>8), byte(len(value)))
			h = append(h, value...)
		}
	}
	b := make([]byte, 8, 16+len(h)+len(payload))
	binary.BigEndian.PutUint32(b, uint32(16+len(h)+len(payload)))
	binary.BigEndian.PutUint32(b[4:], uint32(len(h)))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(append(b, h...), payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}
