// The network as its matrices.

export function matricesView(root, store) {
  const list = document.createElement("pre");
  const show = () => {
    list.textContent = Object.keys(store.values).join(" ") + "\nL = " + store.values.L.data[0];
  };
  store.subscribe(show);
  show();
  root.append(list);
}
