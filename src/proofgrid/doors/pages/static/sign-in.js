"use strict";
// Sign-In with Ethereum (EIP-4361): the gateway says what to sign, the wallet signs it, the gateway opens a session.

const button = document.getElementById("wallet");
const told = document.getElementById("told");

async function asked(path, body) {
  const answer = await fetch(path, {
    method: "POST", credentials: "same-origin",
    headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail || said.title || `the gateway says ${answer.status}`);
  return said;
}

async function signIn() {
  button.disabled = true;
  try {
    told.textContent = "Your wallet asks you now.";
    const [address] = await window.ethereum.request({ method: "eth_requestAccounts" });
    const { message } = await asked("/v1/sign-in/nonce", { address });
    const signature = await window.ethereum.request({ method: "personal_sign", params: [message, address] });
    await asked("/v1/sign-in", { message, signature });
    location.assign(button.dataset.to);
  } catch (error) {
    told.textContent = `That did not work: ${error.message}`;
    button.disabled = false;
  }
}

if (window.ethereum) {
  told.textContent = "Your wallet will show what it signs.";
  button.disabled = false;
  button.addEventListener("click", signIn);
} else {
  told.textContent = "There is no wallet in this browser.";
}
