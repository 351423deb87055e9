package fakebedrock

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"net/http"
)

// exchange is one call on its way to an answer.
type exchange struct {
	server       *Server
	w            http.ResponseWriter
	r            *http.Request
	model, fault string
}

func (c *exchange) answer(operation string, body []byte, members map[string]json.RawMessage) {
	if c.fault == "hang" {
		<-c.r.Context().Done()
		return
	}
	switch operation {
	case "converse":
		c.whole(body)
	case "converse-stream":
		c.stream(body)
	default:
		c.claude(members, operation != "invoke")
	}
}

// begin sends the head of a stream.
func (c *exchange) begin() {
	c.w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	c.w.WriteHeader(http.StatusOK)
}

// frame sends the frame at a place of the stream, in two writes; false when the stream is over. Faults come after the second: an
// exception, an error, half a frame, a wrong checksum, or silence.
func (c *exchange) frame(at int, kind string, payload any) bool {
	f := frame(map[string]string{":message-type": "event", ":event-type": kind, ":content-type": "application/json"}, marshal(payload))
	if at == 2 && c.breaks(f) {
		return false
	}
	_, _ = c.w.Write(f[:len(f)/2])
	c.send(f[len(f)/2:])
	return c.r.Context().Err() == nil
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
