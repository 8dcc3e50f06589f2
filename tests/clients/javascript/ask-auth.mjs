// Asks a server, with the official auth client, what the Python test wants to know; prints the answers as one JSON object.
import { AuthAdminApi, AuthClient } from "@supabase/auth-js";

const [url, service, site, callback] = process.argv.slice(2);
const password = "an engine of brass";

function storage() {
  const kept = new Map();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };
}

function client(more = {}) {
  return new AuthClient({ url, autoRefreshToken: false, detectSessionInUrl: false, persistSession: true, storage: storage(), storageKey: crypto.randomUUID(), ...more });
}

async function mail(address) {
  for (let turn = 0; turn < 1000; turn++) {
    const found = await (await fetch(`${site}/inbox?to=${encodeURIComponent(address)}`, { headers: { Accept: "application/json" } })).json();
    if (found.length) return found[0].text;
  }
  throw new Error(`no mail to ${address}`);
}

const ada = client();
const eve = client();
const pkce = client({ flowType: "pkce" });
const admin = new AuthAdminApi({ url, headers: { Authorization: `Bearer ${service}` } });
const said = ({ error }) => (error ? error.code : null);
const who = ({ data, error }) => (error ? error.code : data.user.email);
let code, made, kept;

const questions = {
  "weak password": async () => said(await ada.signUp({ email: "ada.js@example.com", password: "short" })),
  "sign up": async () => who(await ada.signUp({ email: "ada.js@example.com", password })),
  "sign up again": async () => said(await client().signUp({ email: "ada.js@example.com", password })),
  "wrong password": async () => said(await client().signInWithPassword({ email: "ada.js@example.com", password: "something else" })),
  "sign in": async () => who(await ada.signInWithPassword({ email: "ada.js@example.com", password })),
  "user": async () => who(await ada.getUser()),
  "claims": async () => (await ada.getClaims()).data.claims.role,
  "refresh": async () => {
    const before = (await ada.getSession()).data.session.refresh_token;
    return (await ada.refreshSession()).data.session.refresh_token !== before;
  },
  "metadata": async () => (await ada.updateUser({ data: { name: "Ada" } })).data.user.user_metadata,
  "password without a proof": async () => said(await ada.updateUser({ password: "an engine of silver" })),
  "password with the present one": async () => said(await ada.updateUser({ password: "an engine of silver", current_password: password })),
  "one-time code": async () => {
    await eve.signInWithOtp({ email: "eve.js@example.com" });
    code = (await mail("eve.js@example.com")).match(/\b\d{6}\b/)[0];
    return who(await eve.verifyOtp({ email: "eve.js@example.com", token: code, type: "email" }));
  },
  "code again": async () => said(await client().verifyOtp({ email: "eve.js@example.com", token: code, type: "email" })),
  "PKCE": async () => {
    await pkce.signInWithOtp({ email: "pkce.js@example.com", options: { emailRedirectTo: callback } });
    const link = new URL((await mail("pkce.js@example.com")).match(/https?:\/\/\S+\/verify\?\S+/)[0]);
    const answer = await fetch(site + link.pathname + link.search, { redirect: "manual" });
    code = new URL(answer.headers.get("location")).searchParams.get("code");
    return who(await pkce.exchangeCodeForSession(code));
  },
  "PKCE again": async () => {
    const again = await fetch(`${url}/token?grant_type=pkce`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ auth_code: code, code_verifier: "x".repeat(43) }),
    });
    return (await again.json()).error_code;
  },
  "anonymous": async () => (await client().signInAnonymously()).data.user.is_anonymous,
  "no administration": async () => {
    const token = (await ada.getSession()).data.session.access_token;
    return said(await new AuthAdminApi({ url, headers: { Authorization: `Bearer ${token}` } }).listUsers());
  },
  "create": async () => {
    made = (await admin.createUser({ email: "made.js@example.com", email_confirm: true })).data.user;
    return made.email;
  },
  "list": async () => (await admin.listUsers({ page: 1, perPage: 1 })).data.total > 1,
  "link": async () => {
    const { data } = await admin.generateLink({ type: "magiclink", email: "made.js@example.com" });
    return who(await client().verifyOtp({ token_hash: data.properties.hashed_token, type: "magiclink" }));
  },
  "delete": async () => said(await admin.deleteUser(made.id)),
  "sign out": async () => {
    kept = (await ada.getSession()).data.session.access_token;
    return said(await ada.signOut());
  },
  "after signing out": async () => {
    const answer = await fetch(`${url}/user`, { headers: { Authorization: `Bearer ${kept}` } });
    return (await answer.json()).error_code;
  },
  "settings": async () => (await (await fetch(`${url}/settings`)).json()).external.email,
};

const answers = {};
for (const [name, ask] of Object.entries(questions)) answers[name] = await ask();
console.log(JSON.stringify(answers));
