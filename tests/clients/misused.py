"""A client's program with a mistake in every line that is marked `# wrong`."""

import numpy as np

import backhand

X, y = np.zeros((8, 3)), np.zeros(8, np.int64)
params = backhand.init(3, 5, 2)

backhand.trian(params, X, y)  # wrong
result = backhand.train(params, X, y, engine="fuzed")  # wrong
result = backhand.train(params, X, y, optimizer="adamw")  # wrong
result = backhand.train(params, X, y, schedule="cosin")  # wrong
result = backhand.train(params, X, y, learning_rte=0.1)  # wrong
print(result.history.los)  # wrong
model = backhand.Model(result.params, ("no", "yes"))
model.predict(None)  # wrong
model.predict_proba(X, engine="gpu")  # wrong
print(backhand.backward(params, X, y, backhand.forward(params, X)).dW3)  # wrong
print(backhand.check(lambda X: X).finding)  # wrong
backhand.save(X, "model.safetensors")  # wrong
