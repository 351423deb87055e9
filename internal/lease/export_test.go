package lease

// Kill stops all that the node does in the background and returns nothing, as the death of its process would.
func (n *Node) Kill() {
	n.stop()
	n.running.Wait()
}
