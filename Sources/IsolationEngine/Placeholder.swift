// The module IsolationEngine.
