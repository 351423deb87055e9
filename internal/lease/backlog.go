package lease

// Backlog is how many settlements wait for the database; beyond a bound Ready refuses.
func (w *Writer) Backlog() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pending
}
