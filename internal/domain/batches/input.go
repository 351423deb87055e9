package batches

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

const (
	// MaxLines is how many lines a batch may have.
	MaxLines = 50_000
	// maxLine bounds one line, maxCustomID what callers call it, in bytes.
	maxLine     = 16 << 20
	maxCustomID = 512
	// maxProblems is how many faults of an input are told.
	maxProblems = 100
)

// problem is why an input cannot be taken.
type problem struct {
	Code    string `json:"code"`
	Line    *int64 `json:"line"`
	Message string `json:"message"`
	Param   string `json:"param,omitempty"`
}

// problems is how the protocol lists them.
type problems struct {
	Object string    `json:"object"`
	Data   []problem `json:"data"`
}

// request is a line of the input. Those of Anthropic's protocol have CustomID and Params, the others all else.
type request struct {
	CustomID string          `json:"custom_id"`
	Method   string          `json:"method"`
	URL      string          `json:"url"`
	Body     json.RawMessage `json:"body"`
	Params   json.RawMessage `json:"params"`
}

// call is the body of the call that the line is about.
func (q *request) call(p Protocol) json.RawMessage {
	if p == Anthropic {
		return q.Params
	}
	return q.Body
}

// reading goes through an input.
type reading struct {
	batch    *Batch
	lines    []Line
	problems []problem
	seen     map[string]bool
}

// readInput finds the lines of an input and what is wrong with them. The error is that of reading.
func readInput(b *Batch, in io.Reader) ([]Line, []problem, error) {
	r := reading{batch: b, seen: map[string]bool{}}
	lines := bufio.NewReaderSize(in, 64<<10)
	at := int64(0)
	for no := int64(1); len(r.problems) < maxProblems; no++ {
		text, err := readLine(lines)
		if len(bytes.TrimSpace(text)) > 0 {
			r.line(no, at, text)
		}
		at += int64(len(text))
		switch {
		case errors.Is(err, io.EOF):
			return r.end()
		case errors.Is(err, bufio.ErrTooLong):
			r.wrong(no, "line_too_long", "The line is too long.", "")
			return r.end()
		case err != nil:
			return nil, nil, err
		}
	}
	return r.end()
}

// readLine reads a line with its end. Error: bufio.ErrTooLong.
func readLine(in *bufio.Reader) (line []byte, err error) {
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
		if len(line) > maxLine {
			return line, bufio.ErrTooLong
		}
	}
}

func (r *reading) line(no, at int64, text []byte) {
	var q request
	if !utf8.Valid(text) || json.Unmarshal(text, &q) != nil {
		r.wrong(no, "invalid_json_line", "The line is not a JSON object of a request.", "")
		return
	}
	p := r.batch.Protocol()
	switch body := bytes.TrimSpace(q.call(p)); {
	case q.CustomID == "" || len(q.CustomID) > maxCustomID:
		r.wrong(no, "missing_required_parameter", "Each line has a custom_id of at most 512 bytes.", "custom_id")
	case r.seen[q.CustomID]:
		r.wrong(no, "duplicate_custom_id", "The custom_id occurs twice.", "custom_id")
	case p == OpenAI && q.Method != "POST": //nolint:usestdlibvars // domains know no net/http
		r.wrong(no, "invalid_method", "The method is POST.", "method")
	case p == OpenAI && q.URL != r.batch.Endpoint:
		r.wrong(no, "invalid_url", "The url is the batch's endpoint.", "url")
	case len(body) == 0 || body[0] != '{':
		r.wrong(no, "missing_required_parameter", "The body is an object.", "body")
	case len(r.lines) == MaxLines:
		r.wrong(no, "too_many_tasks", "There are more than 50,000 lines.", "")
	}
	r.seen[q.CustomID] = true
	r.lines = append(r.lines, Line{
		BatchID: r.batch.ID, No: no, CustomID: q.CustomID, Start: at, Size: int64(len(text)), State: Pending,
	})
}

func (r *reading) wrong(no int64, code, message, param string) {
	r.problems = append(r.problems, problem{Code: code, Line: &no, Message: message, Param: param})
}

func (r *reading) end() ([]Line, []problem, error) {
	if len(r.lines) == 0 && len(r.problems) == 0 {
		r.problems = append(r.problems, problem{Code: "empty_file", Message: "The file has no lines.", Param: "input_file_id"})
	}
	return r.lines, r.problems, nil
}
