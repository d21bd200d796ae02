package example;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** A key in memory, which stands for one in a key manager. */
final class ExternalKey {
    private static final int IV_SIZE = 16;
    private static final int TAG_SIZE = 16;
    private static final SecureRandom RANDOM = new SecureRandom();

    record Sealed(byte[] ciphertext, byte[] iv, byte[] tag) {}

    final List<String> usage;
    final boolean enabled;
    private final SecretKeySpec secret = new SecretKeySpec(random(32), "AES");
    private final Cipher shared = newCipher();

    ExternalKey(boolean enabled, String... usage) {
        this.enabled = enabled;
        this.usage = List.of(usage);
    }

    Sealed seal(byte[] plaintext, byte[] aad) {
        byte[] iv = random(IV_SIZE);
        try {
            // Java appends the tag; the two are separate in the response.
            byte[] both = cipher(Cipher.ENCRYPT_MODE, iv, aad).doFinal(plaintext);
            int middle = both.length - TAG_SIZE;
            if (XksProxy.wrong("tag-in-ciphertext")) {
                return new Sealed(both, iv, Arrays.copyOfRange(both, middle, both.length));
            }
            return new Sealed(
                Arrays.copyOf(both, middle), iv, Arrays.copyOfRange(both, middle, both.length));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    byte[] open(Sealed sealed, byte[] aad) {
        if (sealed.iv.length != IV_SIZE || sealed.tag.length != TAG_SIZE) {
            throw new Refusal("InvalidCiphertextException", "A part has a wrong length.");
        }
        try {
            Cipher cipher = cipher(Cipher.DECRYPT_MODE, sealed.iv, aad);
            if (XksProxy.wrong("tag-in-ciphertext")) {
                return cipher.doFinal(sealed.ciphertext);
            }
            cipher.update(sealed.ciphertext);
            return cipher.doFinal(sealed.tag);
        } catch (GeneralSecurityException e) {
            throw new Refusal("InvalidCiphertextException", "The ciphertext is corrupted.");
        }
    }

    private Cipher cipher(int mode, byte[] iv, byte[] aad) throws GeneralSecurityException {
        Cipher cipher = XksProxy.wrong("shared-cipher") ? shared : newCipher();
        cipher.init(mode, secret, new GCMParameterSpec(8 * TAG_SIZE, iv));
        // With lengths, although there is no ciphertextMetadata yet ("Encrypt").
        int size = Short.BYTES + aad.length + 1;
        cipher.updateAAD(
            ByteBuffer.allocate(size).putShort((short) aad.length).put(aad).rewind());
        return cipher;
    }

    private static Cipher newCipher() {
        try {
            return Cipher.getInstance("AES/GCM/NoPadding");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static byte[] random(int size) {
        byte[] data = new byte[size];
        RANDOM.nextBytes(data);
        return data;
    }
}
