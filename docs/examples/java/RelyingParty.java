import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.AlgorithmParameters;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A relying party in Java 17 with nothing but the JDK: code flow with PKCE, and the ID token checked step by step.
 *
 * <p>Run: {@code java RelyingParty.java sandbox.json}, then open the printed address.
 */
public class RelyingParty {
    /** What one sign-in under way must answer to; found by its state, used once. */
    record Attempt(String verifier, String nonce) {}

    static final HttpClient HTTP = HttpClient.newHttpClient();
    static final SecureRandom RANDOM = new SecureRandom();
    static final Map<String, Attempt> ATTEMPTS = new ConcurrentHashMap<>();
    static final int LEEWAY_SECONDS = 30;
    static Map<String, Object> config, metadata;

    public static void main(String[] arguments) throws Exception {
        config = object(Json.parse(Files.readString(Path.of(arguments[0]))));
        metadata = get(text(config, "issuer") + "/.well-known/openid-configuration");
        require(text(metadata, "issuer").equals(text(config, "issuer")), "another issuer");
        URI callback = URI.create(text(config, "redirect_uri"));
        HttpServer server = HttpServer.create(new InetSocketAddress(callback.getHost(), callback.getPort()), 0);
        server.createContext("/", exchange -> answer(exchange, () -> signIn(exchange)));
        server.createContext(callback.getPath(), exchange -> answer(exchange, () -> signedIn(exchange)));
        server.start();
        System.out.println("Open http://" + callback.getAuthority() + "/");
    }

    /** 1 Send the browser on, with state against forgery, nonce against replay, and the hash of a verifier (PKCE). */
    static String signIn(HttpExchange exchange) throws Exception {
        String state = random(), verifier = random(), nonce = random();
        ATTEMPTS.put(state, new Attempt(verifier, nonce));
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(verifier.getBytes(StandardCharsets.US_ASCII));
        Map<String, String> query = new LinkedHashMap<>();
        query.put("response_type", "code");
        query.put("client_id", text(config, "client_id"));
        query.put("redirect_uri", text(config, "redirect_uri"));
        query.put("scope", "openid profile");
        query.put("state", state);
        query.put("nonce", nonce);
        query.put("code_challenge", base64url(digest));
        query.put("code_challenge_method", "S256");
        // The state also goes into a cookie: only the browser that began this sign-in can end it.
        exchange.getResponseHeaders().add("Set-Cookie", "state=" + state + "; HttpOnly; SameSite=Lax; Path=/");
        exchange.getResponseHeaders().add("Location", text(metadata, "authorization_endpoint") + "?" + form(query));
        return null;
    }

    /** 2 Take the answer, exchange the code, check the ID token, and ask for the person's claims. */
    static String signedIn(HttpExchange exchange) throws Exception {
        Map<String, String> query = parameters(exchange.getRequestURI().getRawQuery());
        String state = query.getOrDefault("state", "");
        String cookies = exchange.getRequestHeaders().getFirst("Cookie");
        require(cookies != null && List.of(cookies.split("; ")).contains("state=" + state), "another browser");
        Attempt attempt = ATTEMPTS.remove(state);
        require(attempt != null, "no sign-in is under way");
        require(text(config, "issuer").equals(query.get("iss")), "an answer of another issuer (RFC 9207)");
        require(query.containsKey("code"), "refused: " + query.get("error"));
        Map<String, String> body = new LinkedHashMap<>();
        body.put("grant_type", "authorization_code");
        body.put("code", query.get("code"));
        body.put("redirect_uri", text(config, "redirect_uri"));
        body.put("code_verifier", attempt.verifier());
        String credentials = encode(text(config, "client_id")) + ":" + encode(text(config, "client_secret"));
        Map<String, Object> tokens = send(HttpRequest.newBuilder(URI.create(text(metadata, "token_endpoint")))
                .header("Authorization", "Basic " + Base64.getEncoder().encodeToString(credentials.getBytes()))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(form(body))).build());
        Map<String, Object> claims = checkedIdToken(text(tokens, "id_token"), attempt.nonce());
        Map<String, Object> person = send(HttpRequest.newBuilder(URI.create(text(metadata, "userinfo_endpoint")))
                .header("Authorization", "Bearer " + text(tokens, "access_token")).build());
        require(claims.get("sub").equals(person.get("sub")), "claims of another person");
        return "sub: " + claims.get("sub") + "\nname: " + person.get("name") + "\nacr: " + claims.get("acr") + "\n";
    }

    /** 3 OpenID Connect Core 1.0 section 3.1.3.7: signature with the issuer's key, then each claim. */
    static Map<String, Object> checkedIdToken(String token, String nonce) throws Exception {
        String[] parts = token.split("\\.", -1);
        require(parts.length == 3, "no signed token");
        Map<String, Object> header = object(Json.parse(decoded(parts[0])));
        require("ES256".equals(header.get("alg")), "another algorithm");
        Signature signature = Signature.getInstance("SHA256withECDSAinP1363Format");
        signature.initVerify(key(text(header, "kid")));
        signature.update((parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
        require(signature.verify(Base64.getUrlDecoder().decode(parts[2])), "a wrong signature");
        Map<String, Object> claims = object(Json.parse(decoded(parts[1])));
        long now = Instant.now().getEpochSecond();
        require(text(config, "issuer").equals(claims.get("iss")), "another issuer");
        require(text(config, "client_id").equals(claims.get("aud")), "a token for another system");
        require(nonce.equals(claims.get("nonce")), "a token of another sign-in");
        require(number(claims, "exp") > now - LEEWAY_SECONDS, "an expired token");
        require(number(claims, "iat") < now + LEEWAY_SECONDS, "a token of the future");
        return claims;
    }

    static PublicKey key(String id) throws Exception {
        for (Object each : (List<?>) get(text(metadata, "jwks_uri")).get("keys")) {
            Map<String, Object> jwk = object(each);
            if (id.equals(jwk.get("kid")) && "P-256".equals(jwk.get("crv"))) {
                AlgorithmParameters curve = AlgorithmParameters.getInstance("EC");
                curve.init(new ECGenParameterSpec("secp256r1"));
                ECPoint point = new ECPoint(coordinate(jwk, "x"), coordinate(jwk, "y"));
                return KeyFactory.getInstance("EC").generatePublic(
                        new ECPublicKeySpec(point, curve.getParameterSpec(ECParameterSpec.class)));
            }
        }
        throw new IllegalStateException("The issuer has no such key.");
    }

    static BigInteger coordinate(Map<String, Object> jwk, String name) {
        return new BigInteger(1, Base64.getUrlDecoder().decode(text(jwk, name)));
    }

    static Map<String, Object> get(String address) throws Exception {
        return send(HttpRequest.newBuilder(URI.create(address)).build());
    }

    static Map<String, Object> send(HttpRequest request) throws Exception {
        HttpResponse<String> answer = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        require(answer.statusCode() == 200, request.uri().getPath() + " answered " + answer.body());
        return object(Json.parse(answer.body()));
    }

    interface View { String show() throws Exception; }

    static void answer(HttpExchange exchange, View view) throws IOException {
        int status = 200;
        String body;
        try {
            body = view.show();
        } catch (Exception error) {
            status = 403;
            body = "error: " + error.getMessage() + "\n";
        }
        byte[] content = (body == null ? "" : body).getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().add("Content-Type", "text/plain; charset=utf-8");
        exchange.sendResponseHeaders(body == null ? 303 : status, content.length == 0 ? -1 : content.length);
        exchange.getResponseBody().write(content);
        exchange.close();
    }

    static void require(boolean held, String otherwise) {
        if (!held) throw new IllegalStateException(otherwise);
    }

    static String random() {
        byte[] bytes = new byte[32];
        RANDOM.nextBytes(bytes);
        return base64url(bytes);
    }

    static String base64url(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    static String decoded(String part) {
        return new String(Base64.getUrlDecoder().decode(part), StandardCharsets.UTF_8);
    }

    static String encode(String value) {
        return URLEncoder.encode(value, StandardCharsets.UTF_8);
    }

    static String form(Map<String, String> values) {
        List<String> pairs = new ArrayList<>();
        values.forEach((name, value) -> pairs.add(name + "=" + encode(value)));
        return String.join("&", pairs);
    }

    static Map<String, String> parameters(String query) {
        Map<String, String> found = new LinkedHashMap<>();
        for (String pair : (query == null ? "" : query).split("&")) {
            String[] halves = pair.split("=", 2);
            if (halves.length == 2) found.put(halves[0], URLDecoder.decode(halves[1], StandardCharsets.UTF_8));
        }
        return found;
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> object(Object value) {
        return (Map<String, Object>) value;
    }

    static String text(Map<String, Object> object, String name) {
        return (String) object.get(name);
    }

    static long number(Map<String, Object> object, String name) {
        return ((Number) object.get(name)).longValue();
    }

    /** The JDK reads no JSON; this reads the answers of the service. In a real system take the reader you have. */
    static final class Json {
        private final String text;
        private int at;

        private Json(String text) {
            this.text = text;
        }

        static Object parse(String text) {
            Json reader = new Json(text);
            Object value = reader.value();
            reader.space();
            require(reader.at == text.length(), "no JSON");
            return value;
        }

        private Object value() {
            space();
            switch (text.charAt(at)) {
                case '{': return members();
                case '[': return elements();
                case '"': return string();
                default: return word();
            }
        }

        private Map<String, Object> members() {
            Map<String, Object> found = new LinkedHashMap<>();
            for (at++; !next('}'); next(',')) {
                space();
                String name = string();
                require(next(':'), "no JSON");
                require(found.put(name, value()) == null, "the same member twice");
            }
            return found;
        }

        private List<Object> elements() {
            List<Object> found = new ArrayList<>();
            for (at++; !next(']'); next(',')) found.add(value());
            return found;
        }

        private String string() {
            require(text.charAt(at++) == '"', "no JSON");
            StringBuilder found = new StringBuilder();
            for (char each = text.charAt(at++); each != '"'; each = text.charAt(at++)) {
                found.append(each == '\\' ? escaped() : each);
            }
            return found.toString();
        }

        private char escaped() {
            char mark = text.charAt(at++);
            if (mark == 'u') return (char) Integer.parseInt(text.substring(at, at += 4), 16);
            int known = "bfnrt".indexOf(mark);
            return known < 0 ? mark : "\b\f\n\r\t".charAt(known);
        }

        private Object word() {
            int start = at;
            while (at < text.length() && ",]} \n\r\t".indexOf(text.charAt(at)) < 0) at++;
            String found = text.substring(start, at);
            if (found.equals("null")) return null;
            return found.equals("true") || found.equals("false") ? (Object) found.equals("true") : Double.valueOf(found);
        }

        private boolean next(char wanted) {
            space();
            if (text.charAt(at) != wanted) return false;
            at++;
            return true;
        }

        private void space() {
            while (at < text.length() && Character.isWhitespace(text.charAt(at))) at++;
        }
    }
}
