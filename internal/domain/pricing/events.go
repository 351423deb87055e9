package pricing

// Changed says that prices changed in this transaction. Whoever compiled them listens, tells other nodes within the
// transaction, and compiles anew when it is committed (tx.Tx.AfterCommit), so that the prices are in force when the call
// that changed them returns.
type Changed struct{}
