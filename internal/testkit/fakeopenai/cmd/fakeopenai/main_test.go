package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"testing"
)

func TestRunServesUntilItsInputEnds(t *testing.T) {
	t.Parallel()
	in, parent := io.Pipe()
	report, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(in, out) }()
	line, err := bufio.NewReader(report).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var about struct {
		Address string `json:"address"`
		Key     string `json:"key"`
	}
	if err := json.Unmarshal(line, &about); err != nil || about.Key == "" {
		t.Fatalf("%s: %v", line, err)
	}
	resp, err := http.Get("http://" + about.Address + "/v1/models")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d", resp.StatusCode)
	}
	_ = parent.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
